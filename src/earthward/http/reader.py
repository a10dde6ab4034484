"""Requests out of bytes, one at a time, without a socket: gathers the head, frames the body, keeps what lies behind.

However the bytes are sliced, the requests are the same.
"""

from earthward.config.snapshot import Limits
from earthward.http.chunked import ChunkedBody
from earthward.http.head import Head, check_begun, raw_path, read_head
from earthward.http.refusal import Refused
from earthward.http.request import Request
from earthward.http.same_head import SameHead, same_head


class RequestReader:
    """Give `take` what came; it returns a request once one is whole, and `rest` is then what lies behind it.

    `begun` says that some of a request is here, `head` is set while its body is awaited, and `wants_continue` when
    the client waits to be told to send it. `held` counts the bytes gathered so far.
    """

    __slots__ = (
        "_allowed_hosts",
        "_body",
        "_chunks",
        "_gathered",
        "_limits",
        "_same",
        "_skipped",
        "accepted",
        "head",
        "keep_alive",
        "rest",
        "wants_continue",
    )

    def __init__(self, limits: Limits, allowed_hosts: frozenset[bytes] | None = None) -> None:
        self._limits = limits
        self._allowed_hosts = allowed_hosts
        self._gathered = bytearray()
        self._body = bytearray()
        self._chunks: ChunkedBody | None = None
        self._skipped = False
        # The last head, as long as it is worth comparing with.
        self._same: SameHead | None = None
        self.accepted = 0.0
        self.head: Head | None = None
        self.keep_alive = True
        self.rest = b""
        self.wants_continue = False

    @property
    def begun(self) -> bool:
        return self.head is not None or bool(self._gathered)

    @property
    def held(self) -> int:
        body = self._body if self._chunks is None else self._chunks.body
        return len(self._gathered) + len(body)

    def take(self, data: bytes, now: float) -> Request | None:
        """The next request, or None until more has come. Raises Refused, after which nothing more can be read."""
        self.rest = b""
        head = self.head
        if head is None:
            again = self._same.again(data, now) if self._same is not None and not self._gathered else None
            if again is not None:
                self.accepted = now
                request, length, data = again
                if len(data) == length:
                    # As most come: all of one request and nothing else.
                    self._skipped = False
                    self.keep_alive = True
                    request.body = data
                    return request
                self.head = head = Head(request, length, keep_alive=True, expects_continue=False)
            else:
                head = self._take_head(data, now)
                if head is None:
                    return None
                data = self.rest
            self.wants_continue = head.expects_continue and head.length != 0 and not data
        if head.length < 0:
            return self._take_chunked(head, data)
        if len(self._body) + len(data) < head.length:
            self._body += data
            return None
        return self._take_length(head, data)

    def _take_head(self, data: bytes, now: float) -> Head | None:
        gathered = self._gathered
        if not gathered:
            self.accepted = now
        if gathered or data[:1] == b"\r":
            since = self._gather(data)
            end = gathered.find(b"\r\n\r\n", max(since - 3, 0))
            if end < 0:
                return self._awaited(since)
            data = bytes(gathered)
            gathered.clear()
        else:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                gathered += data
                return self._awaited(0)
        self.rest = data[end + 4 :]
        return self._read_head(data[: end + 4])

    def _gather(self, data: bytes) -> int:
        """Adds to a head begun before; returns where the news begins."""
        gathered = self._gathered
        since = len(gathered)
        gathered += data
        if not self._skipped and gathered[:2] == b"\r\n":
            # Some old clients send one empty line more after a body.
            self._skipped = True
            del gathered[:2]
            return 0
        return since

    def _awaited(self, since: int) -> Head | None:
        """No head yet; raises if there can't be one."""
        try:
            check_begun(self._gathered, since, self._limits)
        except Refused as refusal:
            refusal.path = raw_path(bytes(self._gathered))
            raise
        return None

    def _read_head(self, raw: bytes) -> Head:
        try:
            head = read_head(raw, self.accepted, self._limits, self._allowed_hosts)
        except Refused as refusal:
            refusal.path = raw_path(raw)
            raise
        self.head = head
        self._same = same_head(raw, head, self._limits)
        if head.length < 0:
            self._chunks = ChunkedBody(self._limits.body)
        return head

    def _take_length(self, head: Head, data: bytes) -> Request:
        body = self._body
        missing = head.length - len(body)
        self.rest = data[missing:]
        if not body:
            return self._whole(head, data[:missing])
        body += data[:missing]
        self._body = bytearray()
        return self._whole(head, bytes(body))

    def _take_chunked(self, head: Head, data: bytes) -> Request | None:
        chunks = self._chunks
        assert chunks is not None
        try:
            self.rest = chunks.feed(data)
        except Refused as refusal:
            refusal.path = head.request.path
            raise
        if not chunks.whole:
            return None
        self._chunks = None
        return self._whole(head, bytes(chunks.body))

    def _whole(self, head: Head, body: bytes) -> Request:
        self.head = None
        self._skipped = False
        self.keep_alive = head.keep_alive
        self.wants_continue = False
        head.request.body = body
        return head.request
