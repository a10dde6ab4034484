"""Where the meters of limits lie: shared files of a thousand each, made when the first of them is needed.

Each worker and the control process has a row of its own, so that every meter has one writer in each. What memory they
take goes with the number of keys that have limits, not with the number of keys.
"""

import contextlib
import logging
import mmap
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from earthward.config.snapshot import CELLS_OF_CONFIGURATION, Account, Key
from earthward.routing.limits import IN_FLIGHT, LENGTH

log = logging.getLogger("earthward.meters")

SEGMENT = CELLS_OF_CONFIGURATION
"""Meters in a file. The first file is for those that the configuration names."""


CARRIED = "carried"
"""What is asked first when the meters show what was spent before the gateway started."""


def fresh(folder: Path, generation: str) -> None:
    """Room for the meters of a gateway that starts. What an earlier one counted is in the ledger, as far as needed."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    (folder / generation).mkdir(mode=0o700, parents=True)


def account_of(key: Key) -> Account | None:
    """A key's own limits, if it has any."""
    if key.quota is None or key.meter < 0:
        return None
    return Account("key", key.id, SEGMENT + key.meter, key.quota)


class Meters:
    """All meters as one process sees them; `row` is the one it may write, of so many `rows`."""

    def __init__(self, folder: Path, row: int, rows: int) -> None:
        self._folder = folder
        self._row = row
        self._rows = rows
        self._segments: dict[int, memoryview] = {}

    def place(self, cell: int) -> tuple[memoryview, int, range]:
        """The numbers among which this meter lies, where this process's own begins, and where each process's does."""
        segment, within = divmod(cell, SEGMENT)
        cells = self._segments.get(segment)
        if cells is None:
            cells = self._segments[segment] = self._opened(segment)
        first, step = within * LENGTH, SEGMENT * LENGTH
        return cells, first + self._row * step, range(first, first + self._rows * step, step)

    def take_over(self) -> None:
        """What a dead process of this row had in flight is no longer."""
        for segment in self._there():
            cells = self._segments[segment] = self._opened(segment)
            first = self._row * SEGMENT * LENGTH + IN_FLIGHT
            for at in range(first, first + SEGMENT * LENGTH, LENGTH):
                if cells[at]:
                    cells[at] = 0

    def is_first(self, what: str) -> bool:
        """Whether nobody has asked this with that word before, of all processes since the gateway started."""
        try:
            (self._folder / what).touch(mode=0o600, exist_ok=False)
        except OSError:
            return False
        return True

    def was_asked(self, what: str) -> bool:
        return (self._folder / what).exists()

    def _there(self) -> Iterator[int]:
        with contextlib.suppress(FileNotFoundError):
            yield from (int(path.name) for path in self._folder.iterdir() if path.name.isdigit())

    def _opened(self, segment: int) -> memoryview:
        size = self._rows * SEGMENT * LENGTH * 8
        path = self._folder / str(segment)
        try:
            if not path.exists():
                _make(path, size)
            with path.open("r+b") as file:
                return memoryview(mmap.mmap(file.fileno(), size)).cast("q")
        except (OSError, ValueError) as error:
            # Limits that hold for each worker alone are better than none, and than no answers.
            log.error("%s can't be used, so each worker counts alone: %s", path, error)
            return memoryview(mmap.mmap(-1, size)).cast("q")


def _make(path: Path, size: int) -> None:
    """Whoever comes first makes it, whole; others find theirs to be too late."""
    mine = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(mine, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600), "wb") as file:
        # Not sparse: on a disk that fills up later, a first touch would end the process that makes it.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.write(bytes(size))
    with contextlib.suppress(FileExistsError):
        os.link(mine, path)
    mine.unlink()
