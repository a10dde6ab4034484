"""The append-only file a worker writes its entries to, before anything else knows of them.

An entry is in the kernel when `append` returns, so that killing the process loses nothing; a thread brings it to the
disk in groups, so that a power cut loses at most the last group. Knows no database: `intake` reads what is written
here, in its own process, with `spool_reader`.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import msgspec

from earthward.ledger.record import Entry
from earthward.store.frames import framed, packed

SEGMENT_BYTES = 16 * 1024 * 1024
GROUP_SECONDS = 0.05
RETRY_SECONDS = 0.25
HELD_LIMIT = 10_000
LOCK_NAME = "lock"
SUFFIX = ".spool"
SETTLED = b"\xa7settled"
"""The tag, packed, with which a settled entry begins behind the first byte."""
# macOS only knows the slower one.
FDATASYNC: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SpoolFull(OSError):
    """There is no room on the disk. The spool goes on by itself when there is."""


class SpoolBroken(OSError):
    """The disk does not take what it is given. The spool goes on by itself, in a new segment, when it does."""


class BootTaken(Exception):
    """There is a spool of this boot already. Two writers would number their entries alike."""


class SpoolState(msgspec.Struct, frozen=True):
    """How the spool is. `held` settled entries wait in memory for room; `lost` were more than memory may hold.

    `in_doubt` bytes could not be read back after the disk refused to sync them: they may be missing after a power cut.
    """

    name: Literal["ok", "full", "broken"]
    message: str | None
    appended: int
    synced: int
    held: int
    lost: int
    in_doubt: int


class _Segment:
    """An open segment: how many of its bytes are written, and how many of those are known to be on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self.fd = os.open(path, flags, 0o600)
        self.size = 0
        self.synced = 0

    def write(self, data: bytes) -> None:
        """All of `data` or, with an OSError, none of it."""
        length = len(data)
        try:
            written = os.write(self.fd, data)
            while written < length:
                written += os.write(self.fd, data[written:])
        except OSError:
            os.ftruncate(self.fd, self.size)
            raise
        self.size += length

    def unsynced(self) -> bytes:
        return os.pread(self.fd, self.size - self.synced, self.synced)

    def close(self) -> None:
        os.close(self.fd)


class SpoolWriter:
    """One per worker process. `append` belongs to one thread; `folder` is the spool folder of the state folder.

    A disk that takes nothing is no reason not to be made: `state` tells of it, and `append` raises.
    Entries that nobody waits for are synced `group` seconds after the first of them; `sync` brings a file to the disk,
    given its descriptor.
    """

    def __init__(
        self,
        folder: Path,
        replica: str,
        boot: str,
        segment_bytes: int = SEGMENT_BYTES,
        group: float = GROUP_SECONDS,
        sync: Callable[[int], None] = FDATASYNC,
    ) -> None:
        self.replica = replica
        self.boot = boot
        self.folder = folder / boot
        self._segment_bytes = segment_bytes
        self._group = group
        self._sync_file = sync
        self._segment: _Segment | None = None
        self._number = 0
        self._lock_fd: int | None = None
        # Segments that are full and may not be wholly on the disk yet.
        self._rolled: list[_Segment] = []
        self._seq = 0
        self._synced = 0
        self._trouble: SpoolFull | SpoolBroken | None = None
        # The disk failed under the current segment, so that what it says of it later is not to be believed.
        self._distrusted = False
        self._held: deque[bytes] = deque()
        self._lost = 0
        self._in_doubt = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._dirty = False
        self._closing = False
        self._mutex = threading.Lock()
        self._wake = threading.Event()
        self._urgent = threading.Event()
        with self._mutex:
            self._recover()
        self._syncer = threading.Thread(target=self._sync_groups, name="spool-syncer", daemon=True)
        self._syncer.start()

    def append(self, entry: Entry) -> int:
        """The entry's number; once it is returned, killing this process loses nothing.

        Raises SpoolFull or SpoolBroken when the entry is not in the spool. A settled entry is then held in memory and
        written as soon as the disk takes it; an opened one is not, since the caller decides whether to go on.
        """
        return self.append_packed(packed(entry))

    def append_packed(self, entry: bytes) -> int:
        """The same for an entry that is packed already."""
        with self._mutex:
            try:
                if self._trouble is not None:
                    self._get_out_of_trouble()
                self._write(entry)
            except (SpoolFull, SpoolBroken):
                self._hold(entry)
                raise
            return self._seq

    async def synced(self, seq: int) -> None:
        """Returns when the entry with this number is on the disk; raises SpoolBroken when the disk failed first."""
        if seq <= self._synced:
            return
        waiter = asyncio.get_running_loop().create_future()
        with self._mutex:
            self._waiters.append((seq, waiter))
        self._urgent.set()
        self._wake.set()
        await waiter

    @property
    def state(self) -> SpoolState:
        trouble = self._trouble
        name: Literal["ok", "full", "broken"] = "ok"
        if trouble is not None:
            name = "full" if isinstance(trouble, SpoolFull) else "broken"
        message = None if trouble is None else str(trouble)
        return SpoolState(name, message, self._seq, self._synced, len(self._held), self._lost, self._in_doubt)

    def close(self) -> None:
        """Brings everything to the disk and gives up the lock: to readers this boot is over."""
        self._closing = True
        self._wake.set()
        self._urgent.set()
        self._syncer.join()
        for segment in self._open_segments():
            segment.close()
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    # ── writing; all of it under the mutex ──

    def _write(self, entry: bytes) -> None:
        segment, seq = self._segment, self._seq + 1
        assert segment is not None
        try:
            segment.write(framed(seq, entry))
        except OSError as error:
            # What was written half-way is truncated by now, unless the disk refused that too.
            self._fail(error, distrust=os.fstat(segment.fd).st_size != segment.size)
            self._wake.set()
            raise self._named(error) from error
        self._seq = seq
        if segment.size >= self._segment_bytes:
            self._roll()
        if not self._dirty:
            self._dirty = True
            self._wake.set()

    def _get_out_of_trouble(self) -> None:
        # A new segment has to be synced before it is trusted, which only the syncer may wait for.
        if self._distrusted or not self._recover():
            assert self._trouble is not None
            raise type(self._trouble)(*self._trouble.args)

    def _hold(self, entry: bytes) -> None:
        if not entry.startswith(SETTLED, 1):
            return
        if len(self._held) < HELD_LIMIT:
            self._held.append(entry)
        else:
            self._lost += 1

    def _recover(self) -> bool:
        """Whether the disk takes entries again: opens what is not open and writes what was held."""
        try:
            if self._lock_fd is None:
                self._lock_fd = _claim(self.folder, self.replica)
            if self._segment is None:
                self._segment = self._next_segment()
            while self._held and self._segment is not None:
                self._write(self._held[0])
                self._held.popleft()
        except OSError as error:
            self._fail(error)
            return False
        if self._segment is None:
            return False
        self._trouble = None
        return True

    def _roll(self) -> None:
        assert self._segment is not None
        self._rolled.append(self._segment)
        self._segment = None
        try:
            self._segment = self._next_segment()
        except OSError as error:
            self._fail(error)
            self._wake.set()

    def _next_segment(self) -> _Segment:
        segment = _Segment(self.folder / f"{self._number + 1:08d}{SUFFIX}")
        self._number += 1
        return segment

    def _fail(self, error: OSError, distrust: bool = False) -> None:
        self._trouble = self._named(error)
        self._distrusted = self._distrusted or distrust

    def _named(self, error: OSError) -> SpoolFull | SpoolBroken:
        number = error.errno or errno.EIO
        kind = SpoolFull if number in _FULL else SpoolBroken
        return kind(number, f"{os.strerror(number)}: free or repair the disk of {self.folder}")

    def _open_segments(self) -> list[_Segment]:
        return [*self._rolled, *([self._segment] if self._segment else [])]

    # ── the syncer's thread; waits for the disk only without the mutex ──

    def _sync_groups(self) -> None:
        while not self._closing:
            self._wake.wait(RETRY_SECONDS if self._trouble else None)
            self._wake.clear()
            self._urgent.wait(self._group)
            self._urgent.clear()
            self._sync_group()
        self._sync_group()

    def _sync_group(self) -> None:
        if self._trouble is not None:
            self._repair()
        if self._distrusted:
            self._release_waiters(self._trouble)
            return
        try:
            self._sync()
        except OSError as error:
            with self._mutex:
                self._fail(error, distrust=True)
        self._release_waiters(self._trouble if self._distrusted else None)

    def _sync(self) -> None:
        with self._mutex:
            self._dirty = False
            seq = self._seq
            segments = [(segment, segment.size) for segment in self._open_segments()]
        for segment, _ in segments:
            self._sync_file(segment.fd)
        if any(segment.synced == 0 for segment, _ in segments):
            _sync_folder(self.folder)
            _sync_folder(self.folder.parent)
        with self._mutex:
            for segment, size in segments:
                segment.synced = size
            for segment in [segment for segment in self._rolled if segment.synced == segment.size]:
                self._rolled.remove(segment)
                segment.close()
            self._synced = seq

    def _repair(self) -> None:
        if self._distrusted:
            # Once a sync has failed, the kernel takes the pages for clean and the next sync tells nothing of them:
            # only a copy in another file brings what was appended since the last good sync to the disk.
            try:
                fresh = self._copy_of_unsynced()
            except OSError as error:
                with self._mutex:
                    self._fail(error)
                return
            with self._mutex:
                for segment in self._open_segments():
                    segment.close()
                self._rolled = []
                self._segment = fresh
                self._synced = self._seq
                self._distrusted = False
        with self._mutex:
            self._recover()

    def _copy_of_unsynced(self) -> _Segment:
        # Nobody else writes meanwhile: appends are refused while the segment is distrusted.
        fresh = self._next_segment()
        in_doubt = 0
        try:
            for segment in self._open_segments():
                try:
                    data = segment.unsynced()
                except OSError:
                    in_doubt += segment.size - segment.synced
                else:
                    fresh.write(data)
            self._sync_file(fresh.fd)
            _sync_folder(self.folder)
        except OSError:
            fresh.close()
            with contextlib.suppress(OSError):
                fresh.path.unlink()
            raise
        fresh.synced = fresh.size
        self._in_doubt += in_doubt
        return fresh

    def _release_waiters(self, error: OSError | None) -> None:
        """Those whose entry is on the disk by now; all of them, with the error, when there is one."""
        with self._mutex:
            due = [waiter for seq, waiter in self._waiters if error is not None or seq <= self._synced]
            self._waiters = [(seq, waiter) for seq, waiter in self._waiters if error is None and seq > self._synced]
        for loop in {waiter.get_loop() for waiter in due}:
            # A loop that is closed has nobody left who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_answer, [waiter for waiter in due if waiter.get_loop() is loop], error)


def _answer(waiters: Iterable[asyncio.Future[None]], error: OSError | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)


def _claim(folder: Path, replica: str) -> int:
    """The held lock of a new boot folder. It is locked before it has its name, so that no reader finds it free."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.exists():
        raise BootTaken(f"{folder} is there already; give each process a boot id of its own")
    unnamed = folder.parent / f".{folder.name}"
    unnamed.mkdir(mode=0o700, exist_ok=True)
    fd = os.open(unnamed / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(fd, replica.encode())
        os.fsync(fd)
        unnamed.rename(folder)
    except OSError:
        os.close(fd)
        raise
    return fd


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
