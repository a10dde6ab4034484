"""What an answer is made of on the wire, step by step.

A vendor writes the steps of an honest answer, a fault rewrites them, the player carries them out. All but the
player is pure: an answer, broken or not, can be read in a test without a socket.
"""

import random
from collections.abc import Callable, Iterator

import msgspec

from earthward.simulator.behaviour import Behaviour

Headers = list[tuple[bytes, bytes]]


class Wait(msgspec.Struct, frozen=True, gc=False):
    """Until this many seconds after the last wait was over."""

    seconds: float


class Whole(msgspec.Struct, frozen=True):
    """An answer in one go. `tokens` is what it is billed for."""

    status: int
    headers: Headers
    body: bytes
    tokens: int = 0


class Head(msgspec.Struct, frozen=True):
    """The head of an answer that follows in pieces."""

    status: int
    headers: Headers


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A piece of the body, framed as HTTP wants it."""

    data: bytes
    tokens: int = 0


class Last(msgspec.Struct, frozen=True, gc=False):
    """The last piece, and the end with it."""

    data: bytes


class End(msgspec.Struct, frozen=True, gc=False):
    """The end of a body in pieces."""


class Raw(msgspec.Struct, frozen=True, gc=False):
    """Bytes for the socket as they are, past all rules of HTTP. With a `status`, they are a head."""

    data: bytes
    tokens: int = 0
    status: int = 0


class Close(msgspec.Struct, frozen=True, gc=False):
    """The connection is closed in good order (FIN), whatever was promised."""


class Reset(msgspec.Struct, frozen=True, gc=False):
    """The connection is reset (RST)."""


class Hang(msgspec.Struct, frozen=True, gc=False):
    """Nothing more, ever; the connection stays open."""


class Refuse(msgspec.Struct, frozen=True, gc=False):
    """All connections are reset, and new ones refused for so many seconds."""

    seconds: float


Step = Wait | Whole | Head | Piece | Last | End | Raw | Close | Reset | Hang | Refuse


class Problem(msgspec.Struct, frozen=True):
    """Why a vendor answers with an error."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """The honest answer to one request, with what a fault needs to spoil it in the vendor's own shape.

    `steps` makes it anew at each call. `error` is a vendor's error body, `event` frames a payload for its stream,
    `around` is what stands before and after the text of a whole answer or of one event. `refusal` is what the vendor
    says to a fault of this name, None where it has no words of its own.
    """

    behaviour: Behaviour
    stream: bool
    headers: Headers
    steps: Callable[[], Iterator[Step]]
    error: Callable[[Problem], bytes]
    event: Callable[[bytes], bytes]
    around: tuple[bytes, bytes]
    refusal: Callable[[str], Problem | None]

    def honest_headers(self) -> Headers:
        """Those the answer would have had without a fault."""
        return next((step.headers for step in self.steps() if isinstance(step, Head | Whole)), self.headers)


def raw_head(status: int, headers: Headers, length: int | None) -> Raw:
    """A head past all rules, for answers that lie about themselves; without a length, chunks are announced."""
    framing = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", b"%d" % length)
    lines = [b"HTTP/1.1 %d Simulated" % status, *(b"%b: %b" % header for header in (*headers, framing))]
    return Raw(b"\r\n".join(lines) + b"\r\n\r\n", status=status)


def paces(behaviour: Behaviour, seed: str) -> Iterator[Wait]:
    """The waits between chunks, without end."""
    steady = Wait(behaviour.pause)
    if not behaviour.jitter:
        while True:
            yield steady
    draw = random.Random(seed)  # noqa: S311 - has to repeat with the seed
    while True:
        yield Wait(behaviour.pause * (1 + behaviour.jitter * draw.uniform(-1, 1)))
