"""Halves of a character that was cut between two pieces of a stream.

Servers written in JavaScript count in units of UTF-16, and may send the first half of an emoji at the end of one piece
and the second at the beginning of the next, each as an escape. Neither is a character, and no strict parser takes it.
"""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_UNKNOWN = rb"\ufffd"


class Halves:
    """Puts together what belongs together over the pieces of one stream; what has no other half is unknown."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        self._first = b""

    def decode(self, decode: Callable[[bytes], T], payload: bytes) -> T:
        """What `decode` makes of it, mended if there is need to. Raises what it raises."""
        try:
            return decode(payload)
        except msgspec.DecodeError:
            mended = self.mended(payload)
            if mended is None:
                raise
            return decode(mended)

    def mended(self, payload: bytes) -> bytes | None:
        """The same JSON without halves; None if there are none in it."""
        halves = _halves(payload)
        if not halves:
            return None
        pieces, end = [], 0
        first, self._first = self._first, b""
        for place, (start, stop, is_first) in enumerate(halves):
            pieces.append(payload[end:start])
            end = stop
            if is_first and place == len(halves) - 1:
                # The other half may come with the next piece.
                self._first = payload[start:stop]
            elif first and not is_first and place == 0:
                pieces.append(first + payload[start:stop])
            else:
                pieces.append(_UNKNOWN)
        return b"".join((*pieces, payload[end:]))


def _halves(payload: bytes) -> list[tuple[int, int, bool]]:
    """Where they stand, and whether each is a first one. A first one with a second right after it is whole."""
    halves: list[tuple[int, int, bool]] = []
    for found in _ESCAPE.finditer(payload):
        unit = int(found[1], 16) if found[1] else 0
        if 0xD800 <= unit <= 0xDBFF:
            halves.append((found.start(), found.end(), True))
        elif 0xDC00 <= unit <= 0xDFFF:
            if halves and halves[-1][2] and halves[-1][1] == found.start():
                halves.pop()
            else:
                halves.append((found.start(), found.end(), False))
    return halves
