"""Why a request or an answer is refused, as an exception that carries what the other side is told."""

Headers = list[tuple[bytes, bytes]]

ALLOWED_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
ALLOW = (b"allow", b", ".join(ALLOWED_METHODS))


class Refused(Exception):
    """A request this server does not take. `reason` is one of a closed set of sentences: it also names a counter.

    `path` is the raw path where that much was read.
    """

    def __init__(self, status: int, reason: str, headers: Headers | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or []
        self.path = b""
