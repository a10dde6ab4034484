"""Where a rollout of one machine is written down: its state, whole, and its history, line by line.

A kill at any point leaves either the state before or the state after, and a history that says no more than the state
knows: lines are written first, and those beyond the state's count are dropped when it is read. The same goes for its
record, which is all that it was told since it began: whoever reads that to the decisions again comes to the same ones.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from earthward.rollout.state import State, Transition

HISTORY = ".history.jsonl"
RECORD = ".events.jsonl"
"""What was recorded before a record was begun anew has `.before` in its place."""
MOST_RECORDED = 2**31
"""Bytes, some ten million requests. A rollout that is told more goes on without a record."""
LOST = "a part of its record was lost when the power went"
ANEW = 2**26
"""Bytes; from there on a rollout that begins anew has a record of its own."""


class Kept(msgspec.Struct, frozen=True):
    """A state, and how far it has read: the number of the last exchange in the store that it was told, and of the last
    word on exchanges that came later. `recorded` is how many bytes its record has; None where it has none, and
    `unrecorded` then says why, if it had begun."""

    read_up_to: int
    state: State
    told_up_to: int = 0
    recorded: int | None = None
    unrecorded: str = ""


class Unreadable(Exception):
    """What is written down can't be read. Nothing is begun anew in its place, since that would move traffic."""


class RolloutFiles:
    """The files of one route's rollout. One process at a time writes them."""

    def __init__(self, folder: Path, route: str) -> None:
        self._folder = folder
        self._state = folder / f"{route}.rollout"
        self._history = folder / f"{route}{HISTORY}"
        self.record = folder / f"{route}{RECORD}"

    def load(self) -> Kept | None:
        """What was kept last; None where nothing was. Raises Unreadable."""
        try:
            data = self._state.read_bytes()
        except FileNotFoundError:
            self._set_history_aside()
            return None
        except OSError as error:
            raise Unreadable(f"{self._state}: {error.strerror or error}") from error
        try:
            kept = msgspec.msgpack.decode(data, type=Kept)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"{self._state}: {error}; put back a copy, or move it away to begin anew") from error
        self._drop_beyond(kept.state.history_length)
        recorded = self._cut_record(kept.recorded)
        is_lost = recorded is None and kept.recorded is not None
        return msgspec.structs.replace(kept, recorded=recorded, unrecorded=LOST if is_lost else kept.unrecorded)

    def kept(self) -> Kept | None:
        """As `load`, and leaves everything as it is: for those who only look. Raises Unreadable."""
        try:
            return msgspec.msgpack.decode(self._state.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"{self._state}: {error}") from error

    def save(self, kept: Kept, moved: Sequence[Transition], told: bytes = b"") -> None:
        """Keeps a state with what led to it, and what it was `told`. When this returns, state and history are on the
        disk; the record is once something has moved."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if told and kept.recorded is not None:
            if kept.recorded == len(told) and self.record.exists():
                self.record.replace(self.record.with_suffix(".before.jsonl"))
            _write(self.record, told, os.O_APPEND, is_synced=bool(moved))
        if moved:
            lines = b"".join(msgspec.json.encode(transition) + b"\n" for transition in moved)
            _write(self._history, lines, os.O_APPEND)
        beside = self._state.with_suffix(".new")
        _write(beside, msgspec.msgpack.encode(kept), os.O_TRUNC)
        beside.replace(self._state)
        _sync_folder(self._folder)

    def history(self) -> list[Transition]:
        """All transitions, the first one first."""
        if not self._history.exists():
            return []
        return [msgspec.json.decode(line, type=Transition) for line in self._history.read_bytes().splitlines()]

    def entries(self, first: int, end: int) -> list[Transition]:
        """Those from `first` on, before `end`, which the state must know of: later lines may be half written."""
        if first >= end or not self._history.exists():
            return []
        lines = self._history.read_bytes().splitlines()[first:end]
        return [msgspec.json.decode(line, type=Transition) for line in lines]

    def _set_history_aside(self) -> None:
        """A history without a state is that of a first move which was never made, or of a state somebody moved away."""
        if self._history.exists():
            self._history.replace(self._history.with_suffix(".before"))

    def _cut_record(self, length: int | None) -> int | None:
        """Its length; None where a part of what the state knows of has not come to the disk before the power went."""
        if length is None or not self.record.exists() or self.record.stat().st_size < length:
            return None
        os.truncate(self.record, length)
        return length

    def _drop_beyond(self, count: int) -> None:
        if not self._history.exists():
            return
        lines = self._history.read_bytes().splitlines(keepends=True)
        if len(lines) > count:
            # Cut off, not written anew: a kill in between would take the rest along.
            os.truncate(self._history, sum(map(len, lines[:count])))


def _write(path: Path, data: bytes, how: int, *, is_synced: bool = True) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        if is_synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
