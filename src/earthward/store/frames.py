"""How entries lie in a spool segment: u32 length, u32 CRC-32 of the payload, payload; little-endian.

The payload is msgpack: the entry's sequence number and the tagged entry. Pure: knows no file and no process.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator

import msgspec

from earthward.ledger.record import Entry, Opened, Settled

HEADER = struct.Struct("<II")
_header, _crc32 = HEADER.unpack_from, zlib.crc32


class Opening(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="opened"):
    """As much of an opened entry as is needed while the exchange may still settle."""

    id: str


Decode = Callable[[bytes], tuple[int, Entry | Opening]]

_encode = msgspec.msgpack.Encoder().encode
whole: Decode = msgspec.msgpack.Decoder(tuple[int, Entry]).decode
brief: Decode = msgspec.msgpack.Decoder(tuple[int, Opening | Settled]).decode
"""Passes over what was opened, but for its id; `opened_of` reads the rest of it."""
_opened = msgspec.msgpack.Decoder(tuple[int, Opened]).decode
# How every payload begins, whatever its number: an array of two, an unsigned integer, the entry with its tag.
_BEGINNING = re.compile(
    rb"\x92(?:[\x00-\x7f]|\xcc.|\xcd..|\xce.{4}|\xcf.{8})(?:[\x90-\x9f]|\xdc..)(?:\xa6opened|\xa7settled)", re.DOTALL
)


class Entered(msgspec.Struct, frozen=True, gc=False):
    """An entry as read back: its number, and the offset of the first byte behind it."""

    seq: int
    entry: Entry | Opening
    end: int
    payload: bytes


class Spooled(msgspec.Struct, frozen=True, gc=False):
    """An entry, its number, the segment it lies in, and the number and entry as they lie there."""

    segment: int
    seq: int
    entry: Entry | Opening
    payload: bytes


class Unreadable(msgspec.Struct, frozen=True):
    """Whole and undamaged, yet not an entry this version knows."""

    end: int
    message: str


class Damaged(msgspec.Struct, frozen=True):
    """Bytes from `start` on that are no whole entry: one still being written, a torn tail, or corruption."""

    start: int


def packed(entry: Entry) -> bytes:
    return _encode(entry)


def frame(seq: int, entry: Entry) -> bytes:
    return framed(seq, packed(entry))


def framed(seq: int, entry: bytes) -> bytes:
    """The frame of an entry that is packed already."""
    payload = _encode((seq, msgspec.Raw(entry)))
    return HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def opened_of(payload: bytes) -> Opened | None:
    """What `brief` passed over; None if it is not what this version knows as an opened entry."""
    try:
        return _opened(payload)[1]
    except msgspec.DecodeError:
        return None


def frames(data: bytes, start: int = 0, decode: Decode = whole) -> Iterator[Entered | Unreadable | Damaged]:
    """What lies in `data` from `start` on; ends behind its last whole entry, or with the first `Damaged`."""
    while start < len(data):
        payload = _payload(data, start)
        if payload is None:
            yield Damaged(start)
            return
        start += HEADER.size + len(payload)
        try:
            seq, entry = decode(payload)
        except msgspec.DecodeError as error:
            yield Unreadable(start, str(error))
        else:
            yield Entered(seq, entry, start, payload)


def run(data: bytes, start: int, segment: int, seq: int, decode: Decode) -> tuple[list[Spooled], int]:
    """The entries from `start` on that lie there as they should: whole, known, and numbered one by one behind `seq`.
    And the offset behind them; whatever else lies there `frames` tells apart."""
    # Every entry passes here, so nothing is called but what is written in C.
    found: list[Spooled] = []
    last = len(data) - HEADER.size
    while start <= last:
        length, crc = _header(data, start)
        begin = start + HEADER.size
        payload = data[begin : begin + length]
        if not 0 < length == len(payload) or _crc32(payload) != crc:
            break
        try:
            number, entry = decode(payload)
        except msgspec.DecodeError:
            break
        if number != seq + 1:
            break
        found.append(Spooled(segment, number, entry, payload))
        seq, start = number, begin + length
    return found, start


def next_whole(data: bytes, start: int) -> int | None:
    """The offset of the first undamaged entry that begins behind `start`, if there is one."""
    for match in _BEGINNING.finditer(data, start + 1 + HEADER.size):
        candidate = match.start() - HEADER.size
        if _payload(data, candidate) is not None:
            return candidate
    return None


def _payload(data: bytes, start: int) -> bytes | None:
    begin = start + HEADER.size
    if begin > len(data):
        return None
    length, crc = HEADER.unpack_from(data, start)
    payload = data[begin : begin + length]
    # No entry is empty, but a hole that a power cut left is full of zeros, and the CRC of nothing is 0.
    whole = 0 < length == len(payload) and zlib.crc32(payload) == crc
    return payload if whole else None
