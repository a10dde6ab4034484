"""Who calls, and what their key opens.

With `auth: keys` callers have keys of the gateway's own. With `auth: passthrough` they keep their vendor's: it goes to
that vendor alone, and whatever the gateway itself has to give, such as local models, is for keys that the vendor has
accepted lately.
"""

import time
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import Key
from earthward.gateway.doors.door import Door
from earthward.gateway.serving import ServingProvider
from earthward.gateway.upstream import Outcome, WholeAnswer
from earthward.http.client import ClientConnection, ConnectFailed
from earthward.store.digest import digest_of

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

NO_KEY = Key("", b"")
KEY_HEADERS = (b"x-api-key", b"api-key", b"x-goog-api-key")
NOTHING_SHOWN = (b"", b"bearer")
BEARER = "`Authorization: Bearer KEY`"
_GOOGLES = f"`x-goog-api-key: KEY`, `?key=KEY` in the URL, or {BEARER}"
PLACES: dict[str | None, str] = {
    "openai": BEARER,
    "anthropic": f"`x-api-key: KEY`, or {BEARER}",
    "azure": f"`api-key: KEY`, or {BEARER}",
    "gemini": _GOOGLES,
    "vertex": _GOOGLES,
}
"""Where the SDKs of each vendor send a key, and callers may."""
MOST_ACCEPTED = 100_000
LARGEST_LIST = 4 * 1024 * 1024
REFUSALS = (401, 403)


class Caller(msgspec.Struct, frozen=True):
    """Where callers bring their own keys, `presented` is this one's, and `own_key` the dialect of its vendor."""

    key: Key
    presented: bytes = b""
    own_key: str | None = None

    def __repr__(self) -> str:
        """Without the key: what stands in a traceback ends up in a log."""
        return f"Caller({self.key.id!r})"


NOBODY = Caller(NO_KEY)


def caller_of(worker: "Worker", headers: dict[bytes, bytes], door: Door) -> Caller | Failure:
    """Who calls, or why they may not."""
    auth = worker.serving.snapshot.auth
    if auth == "open":
        return NOBODY
    presented = presented_key(headers) or door.presented or None
    if presented is None:
        places = PLACES.get(door.vendor, BEARER)
        return Failure(FailureKind.BAD_KEY, f"no API key: send {places}")
    if auth == "passthrough":
        return _with_own_key(worker, presented, door)
    key = worker.key_of(presented)
    if key is None:
        return Failure(FailureKind.BAD_KEY, "this API key is not known here, or was revoked")
    if key.expires_at is not None and key.expires_at <= time.time_ns():
        return Failure(FailureKind.BAD_KEY, "this API key has expired")
    return Caller(key)


def presented_key(headers: dict[bytes, bytes]) -> bytes | None:
    """The key the caller shows, in any of the headers the vendors' SDKs use. One that is empty shows none."""
    bearer = headers.get(b"authorization", b"").strip()
    if bearer.lower() in NOTHING_SHOWN:
        return next((headers[name] for name in KEY_HEADERS if headers.get(name)), None)
    if bearer[:7].lower() != b"bearer ":
        return None
    return bearer[7:].strip() or None


def _with_own_key(worker: "Worker", presented: bytes, door: Door) -> Caller | Failure:
    if door.vendor is None:
        message = "here callers bring their vendor's key, and Ollama's API has none: call by OpenAI's or Anthropic's"
        return Failure(FailureKind.BAD_KEY, message)
    if not (presented.isascii() and presented.decode("ascii").isprintable()):
        return Failure(FailureKind.BAD_KEY, "this API key has characters that no key has")
    digest = digest_of(worker.pepper, presented)
    return Caller(Key(f"{door.vendor}-{digest.hex()[:16]}", digest), presented, door.key_dialect)


class Acceptance:
    """Which vendors' keys were accepted by their vendors, and until when that counts. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._until: dict[tuple[str | None, bytes], float] = {}

    def holds(self, caller: Caller, now: float) -> bool:
        return self._until.get((caller.own_key, caller.key.digest), 0.0) > now

    def learn(self, caller: Caller, status: int, until: float) -> None:
        """What a vendor's status says of the key it was asked with."""
        if status in REFUSALS:
            self._until.pop((caller.own_key, caller.key.digest), None)
        elif 200 <= status < 300:
            if len(self._until) >= MOST_ACCEPTED:
                self._until.clear()
            self._until[caller.own_key, caller.key.digest] = until


async def why_not_accepted(worker: "Worker", caller: Caller) -> Failure | None:
    """None if the caller's vendor has accepted this key lately, or does now that it is asked; else why not."""
    now = time.monotonic()
    if worker.acceptance.holds(caller, now):
        return None
    provider = worker.serving.vendors.get(caller.own_key)
    if provider is None:
        return Failure(FailureKind.FORBIDDEN, "no provider is configured that could tell whether this API key is good")
    outcome = await _asked(worker, provider, caller)
    worker.acceptance.learn(caller, outcome.status, time.monotonic() + worker.serving.snapshot.accepted_for)
    if worker.acceptance.holds(caller, now):
        return None
    if outcome.status in REFUSALS:
        return refused_by_vendor(provider.name, outcome.status)
    return Failure(FailureKind.OVERLOADED, f"{provider.name} could not be asked whether this API key is good")


def refused_by_vendor(provider: str, status: int | None) -> Failure:
    kind = FailureKind.FORBIDDEN if status == 403 else FailureKind.BAD_KEY
    return Failure(kind, f"{provider} refused the API key that was sent")


async def _asked(worker: "Worker", provider: ServingProvider, caller: Caller) -> Outcome:
    """The vendor's answer to a question that costs nothing: which models there are."""
    pool = provider.endpoints[0].pool
    request = provider.list_request(provider.credential_of(caller.presented))
    kept = pool.idle()
    if kept is not None:
        outcome = await _answered(kept, request, provider)
        if not outcome.stale:
            return outcome
    try:
        fresh = await worker.loop.create_task(pool.connect(provider.deadlines.connect))
    except ConnectFailed as failed:
        return Outcome(failure=Failure(failed.kind, failed.message))
    return await _answered(fresh, request, provider)


async def _answered(connection: ClientConnection, request: bytes, provider: ServingProvider) -> Outcome:
    answer = WholeAnswer(connection, LARGEST_LIST)
    connection.send(request, answer, provider.deadlines)
    outcome: Outcome = await answer.done
    return outcome
