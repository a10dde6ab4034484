"""Unix sockets in the state folder, for its owner alone, however long the folder's path is."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_PATH = 100
"""Bytes. The kernel takes a few more for a socket's path: 108 on Linux, 104 elsewhere."""
PROC = Path("/proc/self/fd")


def is_too_long(path: Path) -> bool:
    """Whether a socket can't be there: its path is longer than the kernel takes, and there is no other name for it."""
    return len(os.fsencode(path)) > LONGEST_PATH and not PROC.exists()


@contextmanager
def by_short_name(path: Path) -> Iterator[str]:
    """A name that the kernel takes for this socket, good for as long as this is entered. Raises OSError where its
    folder can't be opened."""
    if len(os.fsencode(path)) <= LONGEST_PATH or not PROC.exists():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(PROC / str(folder) / path.name)
    finally:
        os.close(folder)


async def dialled(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A line to who listens there. Raises OSError where nobody does."""
    with by_short_name(path) as name:
        return await asyncio.open_unix_connection(name)


async def listening(
    path: Path, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> asyncio.Server:
    """Takes the place of whoever listened there before."""
    with _fresh(path) as name:
        return await asyncio.start_unix_server(serve, name)


@contextmanager
def _fresh(path: Path) -> Iterator[str]:
    """The name of a socket that is not there yet, and will be its owner's alone."""
    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        with by_short_name(path) as name:
            yield name
    finally:
        os.umask(before)
