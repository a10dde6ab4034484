"""Warm-ups, against simulated hosts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from earthward.config.snapshot import Endpoint, Provider, Snapshot, Target
from earthward.control.fleet import Fleet
from earthward.control.warm_up import Need
from earthward.fleet.found import Probed
from earthward.simulator import Hardware, Simulator
from earthward.simulator.hardware import LocalModel

MACHINE = Hardware(load=20e9)


def snapshot(urls: list[str], *targets: Target) -> Snapshot:
    endpoints = tuple(Endpoint(url, cell) for cell, url in enumerate(urls))
    return Snapshot("v", "d", (Provider("gpus", "ollama", "ollama", "local", endpoints),), targets, ())


def target(name: str, model: str, **fields: Any) -> Target:
    return Target(name, "gpus", model, "local", **{"context": 4096, "keep_alive": -1, "warm": 1, **fields})


def played(count: int, play: Callable[[list[Simulator], Fleet, list[Any]], Awaitable[Any]]) -> Any:
    async def whole_play() -> Any:
        hosts = [Simulator(hardware=MACHINE) for _ in range(count)]
        told: list[tuple[Probed, ...]] = []
        fleet = Fleet(told.append)
        for host in hosts:
            await host.start()
        running = asyncio.ensure_future(fleet.run())
        try:
            async with asyncio.timeout(200):
                return await play(hosts, fleet, told)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            for host in hosts:
                await host.stop()

    return uvloop.run(whole_play())


async def until(found: Callable[[], object]) -> None:
    while not found():
        await asyncio.sleep(0.01)


def loaded(host: Simulator) -> dict[str, int]:
    return {name: runner.context for name, runner in host.machine.runners.items() if runner.is_ready}


def test_what_targets_want_warm_is_loaded_with_their_context_each_on_a_host_of_its_own() -> None:
    async def play(hosts: list[Simulator], fleet: Fleet, told: list[Any]) -> None:
        targets = target("a", "llama3.2"), target("b", "qwen3:8b", context=8192), target("c", "gemma3:4b", warm=0)
        fleet.watch(snapshot([host.url for host in hosts], *targets))
        await until(lambda: sum(len(loaded(host)) for host in hosts) == 2)
        assert sorted(tuple(loaded(host).items()) for host in hosts) == [
            (("llama3.2:latest", 4096),),
            (("qwen3:8b", 8192),),
        ]

    played(2, play)


def test_what_a_rollout_needs_is_loaded_on_as_many_hosts_and_then_counts_as_loaded() -> None:
    async def play(hosts: list[Simulator], fleet: Fleet, told: list[Any]) -> None:
        cold = target("a", "llama3.2", warm=0)
        fleet.watch(snapshot([host.url for host in hosts], cold))
        await until(lambda: told)
        assert not fleet.is_loaded(Need(cold, 1))
        assert fleet.is_loaded(Need(target("x", "lacked:1b"), 1)), "what no host can load is not waited for"
        fleet.need([Need(cold, 2), Need(cold, 1)])
        await until(lambda: sum(len(loaded(host)) for host in hosts) == 2)
        await until(lambda: fleet.is_loaded(Need(cold, 2)))
        assert not fleet.is_loaded(Need(cold, 3))

    played(3, play)


def test_a_model_that_is_warm_is_not_asked_for_again() -> None:
    async def play(hosts: list[Simulator], fleet: Fleet, told: list[Any]) -> int:
        (host,) = hosts
        fleet.watch(snapshot([host.url], target("a", "llama3.2")))
        await until(lambda: loaded(host))
        rounds = len(told)
        fleet.watch(snapshot([host.url], target("a", "llama3.2")))
        await until(lambda: len(told) > rounds + 2)
        return sum(1 for entry in host.log() if entry["path"] == "/api/generate")

    assert played(1, play) == 1


def test_a_model_that_was_pulled_anew_or_differs_between_hosts_is_told_of(caplog: Any) -> None:
    async def play(hosts: list[Simulator], fleet: Fleet, told: list[Any]) -> None:
        hosts[1].machine.add([LocalModel("llama3.2:latest", alias_of="another")])
        fleet.watch(snapshot([host.url for host in hosts], target("a", "llama3.2", warm=0)))
        await until(lambda: "different models by the name llama3.2:latest" in caplog.text)
        assert "than before" not in caplog.text

    played(2, play)


def test_a_host_that_comes_back_empty_is_warmed_again() -> None:
    async def play(hosts: list[Simulator], fleet: Fleet, told: list[Any]) -> None:
        (host,) = hosts
        fleet.watch(snapshot([host.url], target("a", "llama3.2")))
        await until(lambda: loaded(host))
        host.refuse()
        host.machine.unload("llama3.2")
        await until(lambda: told[-1][0].report.is_down)
        await host.accept()
        await until(lambda: loaded(host))

    played(1, play)


def test_a_model_that_cannot_be_loaded_is_told_and_not_asked_for_again_and_again(caplog: Any) -> None:
    async def play(hosts: list[Simulator], fleet: Fleet, told: list[Any]) -> int:
        (host,) = hosts
        fleet.watch(snapshot([host.url], target("a", "nomic-embed-text")))
        await until(lambda: len(told) > 3)
        return len([entry for entry in host.log() if entry["path"] == "/api/generate"])

    assert played(1, play) == 1
    assert "could not load nomic-embed-text" in caplog.text
