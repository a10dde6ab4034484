"""Newline-delimited JSON as bytes: cut into lines, written.

A line ends with LF, or CR LF; empty lines mean nothing. Knows nothing of what the lines carry.
"""

CONTENT_TYPE = b"application/x-ndjson"
LINE_LIMIT = 16 * 1024 * 1024


class Lines:
    """Cuts a stream, arriving in any pieces, into its lines.

    A line longer than `limit` bytes ends the reading: `overflowed` is set and nothing more comes out.
    """

    __slots__ = ("_limit", "_rest", "overflowed")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._rest = bytearray()
        self.overflowed = False

    def feed(self, data: bytes) -> list[bytes]:
        if self.overflowed:
            return []
        # The common case by far: whole lines and nothing else.
        if data.endswith(b"}\n") and data.startswith(b"{") and not self._rest and len(data) <= self._limit:
            lines = data[:-1].split(b"\n")
            return lines if len(lines) == 1 else _bare(lines)
        if b"\n" not in data:
            # An unfinished line is only appended to: in many small pieces it costs no more than in a single one.
            self._rest += data
            return self._within_limit([])
        *lines, rest = (bytes(self._rest) + data).split(b"\n")
        self._rest = bytearray(rest)
        return self._within_limit(_bare(lines))

    def end(self) -> bytes:
        """What came after the last line end: a line that lacks only that, a piece of one, or nothing."""
        rest = bytes(self._rest).strip()
        self._rest = bytearray()
        return rest

    def _within_limit(self, lines: list[bytes]) -> list[bytes]:
        for place, line in enumerate(lines):
            if len(line) > self._limit:
                self.overflowed = True
                lines = lines[:place]
                break
        # One more, for a line end that does not belong to the line.
        if len(self._rest) > self._limit + 1:
            self.overflowed = True
        if self.overflowed:
            self._rest = bytearray()
        return lines


def line(document: bytes) -> bytes:
    """One line, written. A line end inside JSON can only be white space, and would cut it."""
    return document.replace(b"\n", b" ") + b"\n" if b"\n" in document else document + b"\n"


def _bare(lines: list[bytes]) -> list[bytes]:
    return [bare for line in lines if (bare := line.strip())]
