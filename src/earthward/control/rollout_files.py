"""Where a rollout of one machine is written down: its state, whole, and its history, line by line.

A kill at any point leaves either the state before or the state after, and a history that says no more than the state
knows: lines are written first, and those beyond the state's count are dropped when it is read.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from earthward.rollout.state import State, Transition

HISTORY = ".history.jsonl"


class Kept(msgspec.Struct, frozen=True):
    """A state, and how far it has read: the number of the last exchange in the store that it was told, and of the last
    word on exchanges that came later."""

    read_up_to: int
    state: State
    told_up_to: int = 0


class Unreadable(Exception):
    """What is written down can't be read. Nothing is begun anew in its place, since that would move traffic."""


class RolloutFiles:
    """The files of one route's rollout. One process at a time writes them."""

    def __init__(self, folder: Path, route: str) -> None:
        self._folder = folder
        self._state = folder / f"{route}.rollout"
        self._history = folder / f"{route}{HISTORY}"

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
        return kept

    def save(self, kept: Kept, moved: Sequence[Transition]) -> None:
        """Keeps a state with what led to it. When this returns, both are on the disk."""
        self._folder.mkdir(parents=True, exist_ok=True)
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

    def _drop_beyond(self, count: int) -> None:
        if not self._history.exists():
            return
        lines = self._history.read_bytes().splitlines(keepends=True)
        if len(lines) > count:
            # Cut off, not written anew: a kill in between would take the rest along.
            os.truncate(self._history, sum(map(len, lines[:count])))


def _write(path: Path, data: bytes, how: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
