"""One request as an application sees it: raw, never decoded, never rebuilt."""

from typing import Any

import msgspec


class Kept(msgspec.Struct, gc=False):
    """Room for what an application works out from a head alone, and would work out again for the same head."""

    value: Any = None


class Request(msgspec.Struct, gc=False):
    """`target` is as sent; absolute-form is reduced to path and query once its authority has been checked.

    `path` and `query` are `target` split at its first question mark. Header names are in lower case and in order,
    values without surrounding white space. `body` is whole and de-chunked. `accepted` is the time.monotonic() at
    which the first byte arrived. `kept` is the same object for all requests of a connection whose heads are the same
    byte for byte, the length of the body aside; whether what lies in it still holds is for its owner to check.
    """

    method: bytes
    target: bytes
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    minor: int
    accepted: float
    kept: Kept = msgspec.field(default_factory=Kept)

    def get(self, name: bytes) -> bytes | None:
        """The first value of a header, by its name in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None
