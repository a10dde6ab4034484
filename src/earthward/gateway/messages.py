"""What the control process and the workers say to each other over the unix socket, and how it is framed.

A frame is a big-endian 32-bit length and a msgpack document.
"""

import struct

import msgspec

from earthward.config.snapshot import Key
from earthward.fleet.found import Probed

LONGEST = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class NewSnapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """`data` is a Snapshot as msgpack, as it also lies on disk."""

    version: str
    data: bytes


class KeyChange(msgspec.Struct, frozen=True, tag="keys"):
    """Callers' keys: all of them, or what changed since `since`."""

    version: int
    since: int | None
    put: tuple[Key, ...]
    drop: tuple[bytes, ...] = ()


class FleetNews(msgspec.Struct, frozen=True, tag="fleet"):
    """What was found at the endpoints in the house."""

    found: tuple[Probed, ...]


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A worker's first word, and again after each change it has applied, or refused with `problem`."""

    row: int
    pid: int
    snapshot: str
    keys: int
    problem: str = ""


ToWorker = NewSnapshot | KeyChange | FleetNews
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_to_control: msgspec.msgpack.Decoder[Hello] = msgspec.msgpack.Decoder(Hello)
_encoder = msgspec.msgpack.Encoder()


class KeyFile(msgspec.Struct, frozen=True):
    """The keys as they lie on disk, for a worker that starts while the control process is away."""

    version: int
    keys: tuple[Key, ...]


def frame(message: ToWorker | Hello) -> bytes:
    payload = _encoder.encode(message)
    return _LENGTH.pack(len(payload)) + payload


class Frames:
    """Cuts a byte stream into payloads. Raises ValueError for one that is longer than any of ours."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        payloads = []
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > LONGEST:
                raise ValueError(f"a frame of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                break
            payloads.append(bytes(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]
        return payloads


def read_to_worker(payload: bytes) -> ToWorker:
    return _to_worker.decode(payload)


def read_to_control(payload: bytes) -> Hello:
    return _to_control.decode(payload)
