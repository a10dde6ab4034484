"""One event of a stream, as far as it is understood, out of the block of lines it came in."""

from typing import Any

import msgspec

from earthward.dialects import sse


# What is left open (Any) may be anything: a server's oddity must not break a stream its clients understand.
class WireBlock(msgspec.Struct, gc=False):
    type: Any = None
    id: Any = None
    name: Any = None
    text: Any = None
    citations: Any = None
    thinking: Any = None
    signature: Any = None
    input: Any = None


class WireDelta(msgspec.Struct, gc=False):
    """Of a block, or of the whole message."""

    type: Any = None
    text: Any = None
    citation: Any = None
    thinking: Any = None
    signature: Any = None
    partial_json: Any = None
    stop_reason: Any = None
    stop_sequence: Any = None


class WireMessage(msgspec.Struct, gc=False):
    id: Any = None
    model: Any = None
    usage: Any = None


class WireEvent(msgspec.Struct, gc=False):
    type: Any = None
    index: Any = None
    delta: WireDelta | None = None
    content_block: WireBlock | None = None
    message: WireMessage | None = None
    usage: Any = None
    error: Any = None


decode = msgspec.json.Decoder(WireEvent).decode


def payload_of(block: bytes) -> bytes | None:
    """The data of a block of lines; the common form of it by a short way."""
    start = block.find(b"\ndata: ")
    if start > 0 and block.startswith(b"event: ") and block.count(b"\n") == 1:
        return block[start + 7 :]
    return sse.data_of(block)


def text_in(value: Any) -> str:
    """The string if it is one."""
    return value if isinstance(value, str) else ""
