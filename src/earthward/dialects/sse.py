"""Server-sent events as bytes: cut into blocks, read, written.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, with one limit added:
the size of an event. Line ends come out as LF whatever they went in as. Knows nothing of what events carry.
"""

import msgspec

EVENT_LIMIT = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
# Whether a number is in bytes is found without an exception that nobody sees, other than for bytes.
_CR, _LF = b"\r\n"
_JSON_ENDS = (b"}\n\n", b"]\n\n")


class Blocks:
    """Cuts a stream, arriving in any pieces, into its blocks: what stands between blank lines.

    A block longer than `limit` bytes ends the reading: `overflowed` is set and nothing more comes out. `is_between`
    says that the next byte begins a block.
    """

    __slots__ = ("_after_cr", "_begun", "_limit", "_rest", "is_between", "overflowed")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._after_cr = False
        self._begun = False
        self.is_between = False
        self.overflowed = False

    def feed(self, data: bytes) -> list[bytes]:
        # The common case by far: whole events and nothing else.
        if (
            self.is_between
            and data.startswith(b"data:")
            and data.endswith(_JSON_ENDS)
            and _CR not in data
            and data.find(b"\n\n\n") < 0
            and len(data) <= self._limit
        ):
            return data[:-2].split(b"\n\n")
        blocks = self._feed(data)
        self.is_between = self._begun and not (self._rest or self._after_cr or self.overflowed)
        return blocks

    def end(self) -> bytes:
        """What came after the last blank line. The standard drops it; some servers leave the last blank line out."""
        rest = bytes(self._rest).strip(b"\n")
        self._rest = bytearray()
        return rest

    def _feed(self, data: bytes) -> list[bytes]:
        if self.overflowed or not data:
            return []
        # Only what is new is searched: an event in many small pieces costs no more than one in a single piece.
        start = max(0, len(self._rest) - 1)
        self._rest += self._with_lf(data)
        if not self._begun and not self._skip_bom():
            return []
        return self._within_limit(self._cut(start))

    def _with_lf(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if _CR in data else data

    def _skip_bom(self) -> bool:
        """Whether enough has come to know if the stream begins with a byte order mark."""
        if len(self._rest) < len(_BOM) and _BOM.startswith(self._rest):
            return False
        if self._rest.startswith(_BOM):
            del self._rest[: len(_BOM)]
        self._begun = True
        return True

    def _cut(self, start: int) -> list[bytes]:
        if self._rest.find(b"\n\n", start) < 0:
            return []
        *blocks, rest = bytes(self._rest).split(b"\n\n")
        self._rest = bytearray(rest)
        return [bare for block in blocks if (bare := block.strip(b"\n"))]

    def _within_limit(self, blocks: list[bytes]) -> list[bytes]:
        for place, block in enumerate(blocks):
            if len(block) > self._limit:
                self.overflowed = True
                blocks = blocks[:place]
                break
        # Two more, for line ends that do not belong to the block.
        if len(self._rest) > self._limit + 2:
            self.overflowed = True
        if self.overflowed:
            self._rest = bytearray()
        return blocks


class Event(msgspec.Struct, frozen=True):
    data: bytes
    name: str = ""
    id: str | None = None


def data_of(block: bytes) -> bytes | None:
    """What the block's `data` lines say together; None if it has none, as a comment."""
    if block.startswith(b"data:") and _LF not in block:
        return block[6:] if block.startswith(b"data: ") else block[5:]
    lines = [value for name, value in _fields(block) if name == b"data"]
    return b"\n".join(lines) if lines else None


def event_of(block: bytes) -> Event | None:
    """The event a block spells; None if it has no `data`."""
    data = data_of(block)
    if data is None:
        return None
    name, event_id = "", None
    for field, value in _fields(block):
        if field == b"event":
            name = value.decode(errors="replace")
        elif field == b"id" and b"\0" not in value:
            event_id = value.decode(errors="replace")
    return Event(data, name, event_id)


class Reader:
    """Events out of a stream arriving in any pieces."""

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._blocks = Blocks(limit)

    @property
    def overflowed(self) -> bool:
        return self._blocks.overflowed

    def feed(self, data: bytes) -> list[Event]:
        return [event for block in self._blocks.feed(data) if (event := event_of(block)) is not None]

    def end(self) -> Event | None:
        """The event that lacked only its blank line, if there is one."""
        return event_of(self._blocks.end())


def event(data: bytes, name: str = "", id: str | None = None) -> bytes:
    """One event, written."""
    head = (b"event: " + name.encode() + b"\n" if name else b"") + (b"id: " + id.encode() + b"\n" if id else b"")
    return head + b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"


def comment(text: str = "") -> bytes:
    """A heartbeat: clients ignore it. Not for Gemini's SDK, which takes every line for data."""
    return b": " + text.replace("\n", " ").encode() + b"\n\n"


def _fields(block: bytes) -> list[tuple[bytes, bytes]]:
    fields = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        fields.append((name, value[1:] if value.startswith(b" ") else value))
    return fields
