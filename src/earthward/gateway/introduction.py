"""What a request's head alone tells: who calls, what they hint at, and which of their headers go on.

Clients send the same head again and again, so it is kept with the head for as long as the configuration and the keys
it was worked out with are in force.
"""

import time
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.gateway.callers import Caller, caller_of
from earthward.gateway.decide import Hints, hints_of
from earthward.gateway.doors.door import Door
from earthward.gateway.limiting import Metered, limits_of
from earthward.gateway.serving import Serving, ServingTarget
from earthward.http.head import by_name
from earthward.http.request import Kept, Request

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

_UNPACKED = "send the request without `content-encoding`"


class Introduction(msgspec.Struct, frozen=True, gc=False):
    """`headers` are without the length of the body, which is another for each request with this head.

    `lines` are header lines that go on to a target, by its name, once they have been asked for. `limits` are those
    that hold for the caller; `kept` is room for what else follows from all this.
    """

    serving: Serving
    keys_version: int
    caller: Caller
    hints: Hints
    headers: dict[bytes, bytes]
    lines: dict[str, bytes]
    kept: Kept
    limits: tuple[Metered, ...] = ()

    def lines_for(self, target: ServingTarget, door: Door) -> bytes:
        """The caller's headers that may pass, and what is said to the target where the caller doesn't say it."""
        lines = self.lines.get(target.name)
        if lines is None:
            lines = self.lines[target.name] = _lines(self.headers, target, door)
        return lines


def introduction(worker: "Worker", door: Door, request: Request) -> Introduction | Failure:
    """Who calls and how, or why they may not."""
    known = request.kept.value
    if (
        isinstance(known, Introduction)
        and known.serving is worker.serving
        and known.keys_version == worker.keys_version
    ):
        # Asking again would give the same: nothing was reloaded or revoked, unless the key has run out.
        expires_at = known.caller.key.expires_at
        if expires_at is None or expires_at > time.time_ns():
            return known
    headers = by_name(request.headers)
    caller = caller_of(worker, headers, door)
    if isinstance(caller, Failure):
        return caller
    packed = headers.get(b"content-encoding", b"identity").lower()
    if packed != b"identity":
        return Failure(FailureKind.BAD_REQUEST, f"bodies are taken as they are, not in {_shown(packed)}: {_UNPACKED}")
    headers.pop(b"content-length", None)
    limits = limits_of(caller.key, worker.serving, worker.meters)
    made = Introduction(worker.serving, worker.keys_version, caller, hints_of(headers), headers, {}, Kept(), limits)
    request.kept.value = made
    return made


def _shown(value: bytes) -> str:
    return repr(value[:32].decode("latin-1"))


def _lines(headers: dict[bytes, bytes], target: ServingTarget, door: Door) -> bytes:
    provider = target.provider
    if target.dialect != door.dialect:
        return provider.all_lines
    names = provider.passes_on | provider.account_headers if target.takes_callers_key else provider.passes_on
    passed = [b"%b: %b\r\n" % (name, headers[name]) for name in names if name in headers]
    own = [line for name, line in provider.lines if name not in names or name not in headers]
    return b"".join([*passed, *own])
