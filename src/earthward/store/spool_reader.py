"""Reads one boot's spool, while it is written and after its writer died.

Says what it could not read: nothing is passed over in silence but the torn tail of a dead writer, which no caller was
ever told of. Knows no database; what is read twice is the intake's business.
"""

import fcntl
import os
from pathlib import Path

import msgspec

from earthward.store.frames import Damaged, Decode, Entered, Spooled, frames, next_whole, run, whole
from earthward.store.spool import LOCK_NAME, SUFFIX

CHUNK = 128 * 1024


class Damage(msgspec.Struct):
    """What could not be read: stretches of bytes that are no entries, entries that are missing by their numbers,
    entries of a kind this version doesn't know, and bytes of a torn tail."""

    corrupt: int = 0
    missing: int = 0
    unreadable: int = 0
    torn_bytes: int = 0


def boots(folder: Path) -> list[Path]:
    """The folders of all boots under the spool folder; those being made have a dot before their name."""
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except FileNotFoundError:
        return []


class SpoolReader:
    """Reads the boot in `path` from its first remaining segment on; `after` is the highest number ever stored."""

    def __init__(self, path: Path, after: int = 0, decode: Decode = whole) -> None:
        self.path = path
        self.boot = path.name
        self.damage = Damage()
        self.segment = 0
        self.offset = 0
        # A dead writer's spool has been read to its end.
        self.finished = False
        self._last = after
        self._decode = decode
        self._begun = False
        self._lock_fd: int | None = None
        self._fd: int | None = None
        self._chunk = CHUNK

    @property
    def replica(self) -> str:
        try:
            return (self.path / LOCK_NAME).read_text()
        except FileNotFoundError:
            return ""

    def is_dead(self) -> bool:
        """Whether the writer's lock is free. Once it is, it is taken: no boot comes back."""
        if self._lock_fd is not None:
            return True
        fd = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._lock_fd = fd
        return True

    def read(self, limit: int) -> list[Spooled]:
        """The next entries, about `limit` of them at most; none when there are no more for now."""
        spooled: list[Spooled] = []
        while len(spooled) < limit and not self.finished:
            # Asked before reading: a writer begins a segment, or dies, only after its last byte here.
            dead = self.is_dead()
            numbers = self.segments()
            later = [number for number in numbers if number > self.segment]
            last = not later
            before = (self.segment, self.offset, self._chunk)
            if self._fd is not None:
                self._read_chunk(self._fd, spooled, over=dead or not last, last=last)
            if (self.segment, self.offset, self._chunk) != before:
                continue
            if later:
                self._go_to(later[0])
            elif dead:
                self.finished = True
            else:
                break
        return spooled

    def segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self.path.glob(f"*{SUFFIX}"))

    def remove_segments(self, below: int) -> None:
        for number in self.segments():
            if number < below:
                self._path_of(number).unlink()

    def remove(self) -> None:
        """Deletes the whole folder, the lock last, so that what is left of a half-deleted one is still a dead boot."""
        self.remove_segments(self.segment + 1)
        self.close()
        (self.path / LOCK_NAME).unlink(missing_ok=True)
        self.path.rmdir()

    def close(self) -> None:
        for fd in (self._fd, self._lock_fd):
            if fd is not None:
                os.close(fd)
        self._fd = self._lock_fd = None

    def _path_of(self, number: int) -> Path:
        return self.path / f"{number:08d}{SUFFIX}"

    def _go_to(self, number: int) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        try:
            self._fd = os.open(self._path_of(number), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            # The writer took back a copy it could not finish; another segment follows.
            return
        self.segment, self.offset, self._chunk = number, 0, CHUNK

    def _read_chunk(self, fd: int, spooled: list[Spooled], over: bool, last: bool) -> None:
        """Reads on in this segment. `over`: nothing more will be written to it; `last`: it has no successor."""
        data = os.pread(fd, self._chunk, self.offset)
        base = self.offset
        usual, start = run(data, 0, self.segment, self._last, self._decode)
        if usual:
            spooled += usual
            self.offset = base + start
            self._last = usual[-1].seq
            self._begun = True
        for item in frames(data, start, self._decode):
            if type(item) is Entered:
                self.offset = base + item.end
                self._take(item, spooled)
            elif isinstance(item, Damaged):
                self._get_over(data, item.start, base, over, last)
            else:
                self.offset = base + item.end
                self.damage.unreadable += 1

    def _take(self, item: Entered, spooled: list[Spooled]) -> None:
        # A writer that distrusts its segment copies its end into the next one, so a number may come twice.
        if self._begun and item.seq <= self._last:
            return
        if item.seq > self._last + 1:
            self.damage.missing += item.seq - self._last - 1
        self._last = item.seq
        self._begun = True
        spooled.append(Spooled(self.segment, item.seq, item.entry, item.payload))

    def _get_over(self, data: bytes, start: int, base: int, over: bool, last: bool) -> None:
        if len(data) == self._chunk:
            # The entry may only be cut by the end of the chunk; one that is larger than a chunk needs a larger one.
            self._chunk = CHUNK if start else self._chunk * 4
            return
        follower = next_whole(data, start)
        if follower is not None:
            self.damage.corrupt += 1
            self.offset = base + follower
        elif over:
            if last:
                self.damage.torn_bytes += len(data) - start
            else:
                self.damage.corrupt += 1
            self.offset = base + len(data)
