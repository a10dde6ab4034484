"""One request as an application sees it: raw, never decoded, never rebuilt."""

import msgspec


class Request(msgspec.Struct, gc=False):
    """`target` is as sent; absolute-form is reduced to path and query once its authority has been checked.

    `path` and `query` are `target` split at its first question mark. Header names are in lower case and in order,
    values without surrounding white space. `body` is whole and de-chunked. `accepted` is the time.monotonic() at
    which the first byte arrived.
    """

    method: bytes
    target: bytes
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    minor: int
    accepted: float

    def get(self, name: bytes) -> bytes | None:
        """The first value of a header, by its name in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None
