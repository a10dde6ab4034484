import asyncio
from pathlib import Path

import pytest

from earthward.gateway.sockets import PROC, dialled, is_too_long, listening
from earthward.gateway.state import State

LONG = "a-folder-of-an-operator-who-likes-names-that-say-it-all/" * 4
DESCRIPTORS = Path("/dev/fd")


def descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir()))


def opened(folder: Path) -> int:
    """How many descriptors there are more than before, after many lines to all sockets of a state folder."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def said(path: Path) -> bytes:
        reader, writer = await dialled(path)
        writer.write(b"hello\n")
        heard = await reader.read()
        writer.close()
        await writer.wait_closed()
        return heard

    async def talk() -> int:
        before = descriptors()
        state = State(folder)
        state.make()
        paths = (state.control_socket, state.content_socket, state.responses_socket)
        servers = [await listening(path, answer) for path in paths]
        assert [path.stat().st_mode & 0o777 for path in paths] == [0o600] * 3
        states = [State(folder) for _ in range(20)]
        for each in states:
            for path in (each.control_socket, each.content_socket, each.responses_socket):
                assert await said(path) == b"hello\n"
        for server in servers:
            server.close()
            await server.wait_closed()
        return descriptors() - before

    return asyncio.run(talk())


@pytest.mark.parametrize("name", ["short", LONG])
def test_a_state_folder_has_its_sockets_however_long_its_path_and_is_not_kept_open(tmp_path: Path, name: str) -> None:
    if is_too_long(tmp_path / name / "responses.sock"):
        assert not PROC.exists()
    else:
        assert opened(tmp_path / name) == 0


@pytest.mark.parametrize("name", ["short", LONG])
def test_where_nobody_listens_that_is_what_is_told(tmp_path: Path, name: str) -> None:
    before = descriptors()
    for made in (False, True):
        if made:
            (tmp_path / name).mkdir(parents=True)
        with pytest.raises(OSError, match=r"No such file|too long"):
            asyncio.run(dialled(tmp_path / name / "control.sock"))
    assert descriptors() == before


def test_whoever_listened_there_before_makes_room(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def twice() -> None:
        for _ in range(2):
            server = await listening(tmp_path / "control.sock", answer)
            reader, writer = await dialled(tmp_path / "control.sock")
            assert await reader.read() == b""
            writer.close()
            server.close()
            await server.wait_closed()

    asyncio.run(twice())
