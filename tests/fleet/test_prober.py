"""The prober over real sockets: what it finds, and that no host can end it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvloop

from earthward.config.snapshot import Endpoint, Provider, Snapshot, Target
from earthward.fleet.found import Probed
from earthward.fleet.prober import Prober
from earthward.simulator import Hardware, Simulator

LLAMA = "llama3.2:latest"


def provider(name: str, *urls: str, kind: str = "ollama", zone: str = "local") -> Provider:
    dialect = "ollama" if kind == "ollama" else "openai_chat"
    return Provider(name, kind, dialect, zone, tuple(Endpoint(url, cell) for cell, url in enumerate(urls)))


def snapshot(*providers: Provider) -> Snapshot:
    return Snapshot("v", "d", providers, (), ())


def played(play: Callable[[Prober, list[tuple[Probed, ...]]], Awaitable[Any]]) -> Any:
    async def whole_play() -> Any:
        told: list[tuple[Probed, ...]] = []
        prober = Prober(told.append, every=0.01)
        try:
            async with asyncio.timeout(200):
                return await play(prober, told)
        finally:
            await prober.close()

    return uvloop.run(whole_play())


def test_a_host_is_told_with_its_models_sizes_and_version() -> None:
    async def play(prober: Prober, told: list[tuple[Probed, ...]]) -> None:
        async with Simulator(hardware=Hardware()) as one:
            prober.watch(snapshot(provider("gpus", one.url)))
            await prober.round()
            await prober._watched[next(iter(prober._watched))].host.warm(LLAMA, options={}, keep_alive=-1)
            await prober.round()

    async def whole(prober: Prober, told: list[tuple[Probed, ...]]) -> list[tuple[Probed, ...]]:
        await play(prober, told)
        return told

    (before,), (after,) = played(whole)
    assert before.report.residents == ()
    assert dict(before.report.sizes or ())[LLAMA] > 2e9
    assert before.report.version == "0.33.0"
    assert [it.model for it in after.report.residents or ()] == [LLAMA]
    assert (after.provider, after.report.problem, after.report.is_down) == ("gpus", "", False)


def test_models_that_targets_name_are_looked_at_once_for_each_of_their_digests() -> None:
    async def play(prober: Prober, told: list[tuple[Probed, ...]]) -> int:
        async with Simulator(hardware=Hardware()) as one:
            named = (Target("a", "gpus", "llama3.2", "local"), Target("b", "gpus", "no-such-model", "local"))
            about = snapshot(provider("gpus", one.url))
            prober.watch(msgspec.structs.replace(about, targets=named))
            await prober.round()
            (watched,) = prober._watched.values()
            watched._disk_at = 0.0
            await prober.round()
            prober.watch(about)
            await prober.round()
            return len([line for line in one.journal.entries if line.path == b"/api/show"])

    async def whole(prober: Prober, told: list[tuple[Probed, ...]]) -> Any:
        return await play(prober, told), [[shown.model for shown in found.report.shown] for (found,) in told]

    shows, models = played(whole)
    assert (shows, models) == (1, [[LLAMA], [LLAMA], []])


def test_a_host_counts_as_down_after_two_looks_without_an_answer_and_as_up_after_one_with() -> None:
    async def play(prober: Prober, told: list[tuple[Probed, ...]]) -> list[bool]:
        async with Simulator(hardware=Hardware()) as one:
            prober.watch(snapshot(provider("gpus", one.url)))
            await prober.round()
            one.refuse()
            await prober.round()
            await prober.round()
            await one.accept()
            await prober.round()
        return [found.report.is_down for (found,) in told]

    assert played(play) == [False, False, True, False]


def test_a_look_without_an_answer_takes_nothing_from_what_is_known_of_a_host() -> None:
    async def play(prober: Prober, told: list[tuple[Probed, ...]]) -> list[Probed]:
        known = []
        async with Simulator(hardware=Hardware()) as one:
            prober.watch(snapshot(provider("gpus", one.url)))
            await prober.round()
            await prober._watched[next(iter(prober._watched))].host.warm(LLAMA, options={}, keep_alive=-1)
            await prober.round()
            one.refuse()
            for _ in range(2):
                await prober.round()
                known += prober.found
            assert [found.report.residents for (found,) in told[2:]] == [None, None], "workers hear what was found"
        return known

    missed, down = played(play)
    assert ([it.model for it in missed.report.residents or ()], missed.report.is_down) == ([LLAMA], False)
    assert missed.report.problem
    assert (down.report.residents, down.report.is_down) == (None, True)


def test_servers_of_other_kinds_are_asked_whether_they_are_alive_and_clouds_are_left_alone() -> None:
    async def play(prober: Prober, told: list[tuple[Probed, ...]]) -> tuple[Probed, ...]:
        async with Simulator() as one:
            cloud = provider("openai", one.url, kind="openai", zone="cloud")
            prober.watch(snapshot(provider("vllm", f"{one.url}/v1", kind="openai_compatible"), cloud))
            await prober.round()
        return told[0]

    (found,) = played(play)
    assert (found.provider, found.report.residents, found.report.problem) == ("vllm", None, "")


def test_one_host_that_does_not_answer_leaves_the_others_to_be_told_in_the_same_round() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def play(prober: Prober, told: list[tuple[Probed, ...]]) -> tuple[Probed, ...]:
        hole = await asyncio.start_server(never, "127.0.0.1", 0)
        async with Simulator(hardware=Hardware()) as one:
            dead = f"http://127.0.0.1:{hole.sockets[0].getsockname()[1]}"
            prober.watch(snapshot(provider("gpus", one.url, dead)))
            await prober.round()
        hole.close()
        return told[0]

    well, dead = played(play)
    assert well.report.problem == ""
    assert "did not answer" in dead.report.problem


def test_what_stays_the_same_in_a_new_configuration_is_remembered_and_the_rest_let_go() -> None:
    async def play(prober: Prober, told: list[tuple[Probed, ...]]) -> list[str]:
        async with Simulator(hardware=Hardware()) as one, Simulator(hardware=Hardware()) as two:
            prober.watch(snapshot(provider("gpus", one.url, two.url)))
            kept = prober._watched[next(iter(prober._watched))]
            prober.watch(snapshot(provider("gpus", one.url)))
            assert list(prober._watched.values()) == [kept]
            running = asyncio.ensure_future(prober.run())
            while len(told) < 3:
                await asyncio.sleep(0.01)
            running.cancel()
        return [found.url for found in told[-1]]

    assert len(played(play)) == 1


def test_with_nothing_to_watch_nothing_is_told() -> None:
    async def play(prober: Prober, told: list[tuple[Probed, ...]]) -> list[tuple[Probed, ...]]:
        prober.watch(snapshot())
        await prober.round()
        return told

    assert played(play) == []
