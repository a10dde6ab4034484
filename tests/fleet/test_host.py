"""One host, asked over a real socket: a simulated Ollama, and servers that answer badly."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from earthward.fleet.call import HostFailed
from earthward.fleet.host import Host
from earthward.http.client import Pool
from earthward.routing.balance.view import Resident
from earthward.simulator import Hardware, Simulator

GIB = 1024**3
MACHINE = Hardware(memory=24 * GIB, load=40e9, pull=40e9)
LLAMA = "llama3.2:latest"


def at(url: str, play: Callable[[Host], Awaitable[Any]]) -> Any:
    async def whole_play() -> Any:
        pool = Pool(url)
        try:
            async with asyncio.timeout(200):
                return await play(Host(url, pool))
        finally:
            await pool.close()

    return whole_play()


def with_ollama(play: Callable[[Host], Awaitable[Any]], hardware: Hardware = MACHINE) -> Any:
    async def whole_play() -> Any:
        async with Simulator(hardware=hardware) as simulator:
            return await at(simulator.url, play)

    return uvloop.run(whole_play())


def with_answer(answer: bytes, play: Callable[[Host], Awaitable[Any]]) -> Any:
    """A server that says this to whatever it is asked, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def whole_play() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await at(f"http://127.0.0.1:{port}", play)
        finally:
            server.close()

    return uvloop.run(whole_play())


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)


def test_a_model_that_gives_vectors_is_loaded_as_one() -> None:
    async def play(host: Host) -> None:
        with pytest.raises(HostFailed, match="does not support generate"):
            await host.warm("nomic-embed-text", options={}, keep_alive=-1)
        await host.warm("nomic-embed-text", options={"num_ctx": 512}, keep_alive=-1, gives_vectors=True)
        assert [(it.model, it.context) for it in await host.residents()] == [("nomic-embed-text:latest", 512)]

    with_ollama(play)


def test_nothing_is_loaded_until_a_model_is_warmed_with_the_context_asked_for() -> None:
    async def play(host: Host) -> Any:
        before = await host.residents()
        await host.warm(LLAMA, options={"num_ctx": 8192}, keep_alive=-1)
        return before, await host.residents()

    before, after = with_ollama(play)
    assert before == ()
    assert [(it.model, it.context, it.spill) for it in after] == [(LLAMA, 8192, 0.0)]


def test_a_model_that_spills_to_the_cpu_is_seen_to() -> None:
    async def play(host: Host) -> Any:
        await host.warm(LLAMA, options={"num_ctx": 65_536}, keep_alive=None)
        return await host.residents()

    (found,) = with_ollama(play, Hardware(memory=4 * GIB))
    assert 0.4 < found.spill < 0.7


def test_a_model_is_unloaded_and_removed() -> None:
    async def play(host: Host) -> Any:
        await host.warm(LLAMA, options={}, keep_alive=-1)
        await host.unload(LLAMA)
        loaded = await host.residents()
        await host.remove(LLAMA)
        return loaded, [it.name for it in await host.installed()]

    loaded, names = with_ollama(play)
    assert loaded == ()
    assert LLAMA not in names


def test_what_is_installed_is_told_with_size_and_digest_and_the_host_with_its_version() -> None:
    async def play(host: Host) -> Any:
        return await host.installed(), await host.version(), await host.show("qwen3:8b")

    models, version, shown = with_ollama(play)
    (llama,) = [it for it in models if it.name == LLAMA]
    assert llama.size > 2e9
    assert len(llama.digest) == 64
    assert version == "0.33.0"
    assert shown.thinks


def test_a_host_says_whether_it_sends_nothing_to_the_cloud() -> None:
    assert with_ollama(lambda host: host.is_local_only(), Hardware(cloud="off")) is True
    assert with_ollama(lambda host: host.is_local_only(), Hardware(cloud="on")) is False
    assert (
        with_answer(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", lambda host: host.is_local_only()) is None
    )


def test_a_pull_tells_its_steps_and_ends_with_success() -> None:
    async def play(host: Host) -> Any:
        await host.remove("gemma3:4b")
        return [step async for step in host.pull("gemma3:4b")]

    steps = with_ollama(play)
    assert steps[0].status == "pulling manifest"
    assert steps[-1].status == "success"
    assert any(0 < step.completed <= step.total for step in steps)


def test_a_pull_of_what_nobody_has_fails_with_the_hosts_own_words() -> None:
    async def play(host: Host) -> Any:
        return [step async for step in host.pull("nobodys")]

    with pytest.raises(HostFailed, match="file does not exist"):
        with_ollama(play)


def test_a_pull_that_is_left_off_ends_there() -> None:
    async def play(host: Host) -> Any:
        await host.remove("gemma3:4b")
        steps = host.pull("gemma3:4b")
        first = await anext(steps)
        await steps.aclose()
        return first

    assert with_ollama(play, Hardware(pull=1e9)).status == "pulling manifest"


def test_a_model_that_is_not_there_is_a_failure_with_its_status() -> None:
    with pytest.raises(HostFailed, match="not found") as failed:
        with_ollama(lambda host: host.warm("nobodys", options={}, keep_alive=None))
    assert failed.value.status == 404


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        ok(b"<html>"),
        ok(b"[]"),
        ok(b'{"models": [{"name": 3}]}'),
        ok(b"\xff\xfe"),
        ok(b"[" * 100_000),
    ],
)
def test_whatever_a_server_answers_is_a_failure_and_nothing_else(answer) -> None:
    with pytest.raises(HostFailed):
        with_answer(answer, lambda host: host.residents(2.0))


def test_old_hosts_tell_no_context_and_lists_may_be_null() -> None:
    old = ok(b'{"models": [{"name": "llama3.1", "size": 5, "size_vram": 5, "digest": null}, {"size": 3}]}')
    assert with_answer(old, lambda host: host.residents()) == (Resident("llama3.1:latest", 0, 5, 5),)
    assert with_answer(ok(b'{"models": null}'), lambda host: host.installed()) == ()


def test_a_host_that_never_answers_is_given_up_in_time() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def whole_play() -> None:
        server = await asyncio.start_server(never, "127.0.0.1", 0)
        try:
            await at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", lambda host: host.residents(0.2))
        finally:
            server.close()

    with pytest.raises(HostFailed, match=r"did not answer in 0\.2 s"):
        uvloop.run(whole_play())


def test_a_kept_connection_that_the_host_has_closed_says_nothing_of_the_host() -> None:
    async def play(host: Host) -> Any:
        await host.version()
        return await host.version()

    answers = iter([ok(b'{"version": "1"}').replace(b"connection: close\r\n", b""), ok(b'{"version": "2"}')])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        await asyncio.sleep(0)
        # A second request on this connection is never answered.
        await reader.read(1)
        writer.transport.abort()

    async def whole_play() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            return await at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", play)
        finally:
            server.close()

    assert uvloop.run(whole_play()) == "2"


def test_a_path_before_the_api_is_kept() -> None:
    async def play() -> Any:
        seen: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(ok(b'{"version": "1"}'))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/gpu-1"
        try:
            await at(url, lambda host: host.version())
        finally:
            server.close()
        return seen[0]

    assert uvloop.run(play()).startswith(b"GET /gpu-1/api/version HTTP/1.1\r\n")
