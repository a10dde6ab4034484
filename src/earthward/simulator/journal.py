"""What the simulator received and what became of it, and its own bill.

Credentials are shown as a short hash only: enough to tell two keys apart, too little to use one.
"""

import time
from collections import Counter, deque
from hashlib import sha256
from typing import Any

import msgspec

from earthward.simulator.draft import Asked
from earthward.simulator.models import Model, nano_dollars
from earthward.simulator.steps import Headers

_SECRET = frozenset({b"authorization", b"api-key", b"x-api-key", b"x-goog-api-key", b"proxy-authorization", b"cookie"})


ENDINGS = ("finished", "broken", "cancelled")


class Entry:
    """One request. `how` is open, finished (whatever the status), broken (by a fault) or cancelled (by the client).

    `cached` of its `input` tokens were in a cache; it `waited` so many seconds for its place on the machine.
    """

    __slots__ = (
        "body",
        "cached",
        "digest",
        "ended_at",
        "fault",
        "headers",
        "how",
        "images",
        "input",
        "method",
        "model",
        "nano_dollars",
        "ordinal",
        "path",
        "pieces",
        "received_at",
        "size",
        "status",
        "stream",
        "tokens",
        "waited",
    )

    def __init__(self, ordinal: int, method: bytes, path: bytes, headers: Headers, body: bytes, keep: bool) -> None:
        self.ordinal = ordinal
        self.received_at = time.time_ns()
        self.method = method
        self.path = path
        self.headers = headers
        self.size = len(body)
        self.digest = ""
        self.body = body if keep else None
        self.model = ""
        self.stream = False
        self.images = 0
        self.input = 0
        self.cached = 0
        self.waited = 0.0
        self.fault: str | None = None
        self.status = 0
        self.pieces = 0
        self.tokens = 0
        self.nano_dollars = 0
        self.how = "open"
        self.ended_at: int | None = None

    def ask(self, asked: Asked, model: str, fault: str | None) -> None:
        """What the body turned out to ask for."""
        self.digest = asked.digest
        self.stream = asked.stream
        self.images = asked.images
        self.input = asked.input
        self.model = model
        self.fault = fault

    def end(self, how: str, status: int) -> None:
        self.how = how
        self.status = status
        self.ended_at = time.time_ns()

    def shown(self, with_body: bool = False) -> dict[str, Any]:
        """As JSON shows it. Times are Unix nanoseconds."""
        shown = {name: getattr(self, name) for name in self.__slots__ if name not in ("body", "headers")}
        shown["method"] = self.method.decode("latin-1")
        shown["path"] = self.path.decode("latin-1")
        shown["headers"] = [redacted(*header) for header in self.headers]
        if with_body:
            shown["body"] = None if self.body is None else self.body.decode("utf-8", "replace")
        return shown


def redacted(name: bytes, value: bytes) -> tuple[str, str]:
    if name not in _SECRET:
        return name.decode("latin-1"), value.decode("latin-1")
    scheme, _, secret = value.rpartition(b" ")
    return name.decode("latin-1"), f"{scheme.decode('latin-1')} sha256:{sha256(secret).hexdigest()[:12]}".lstrip()


class Account(msgspec.Struct):
    """Sums over the requests for one model. `input` and `output` are in tokens; only what is billed is counted."""

    requests: int = 0
    input: int = 0
    cached: int = 0
    cache_written: int = 0
    output: int = 0
    nano_dollars: int = 0


class Journal:
    """The last `keep` requests, and sums over all of them."""

    def __init__(self, keep: int = 10_000, bodies: bool = False) -> None:
        self._keep = keep
        self._bodies = bodies
        self.reset()

    def reset(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=self._keep)
        self.attempts = 0
        self.images = 0
        self.endings: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.accounts: dict[str, Account] = {}

    def opened(self, method: bytes, path: bytes, headers: Headers, body: bytes) -> Entry:
        entry = Entry(self.attempts, method, path, headers, body, self._bodies)
        self.attempts += 1
        self.entries.append(entry)
        return entry

    def ended(self, entry: Entry, how: str, status: int) -> None:
        entry.end(how, status)
        self.endings[how] += 1
        self.statuses[status] += 1
        self.images += entry.images
        if entry.fault is not None:
            self.faults[entry.fault] += 1

    def bill(self, entry: Entry, model: Model, cached: int, output: int, written: int = 0) -> None:
        """A whole answer costs all it says; one that broke off costs what went in and came out so far."""
        entry.nano_dollars = nano_dollars(model, entry.input, cached, output, written)
        account = self.accounts.setdefault(model.name, Account())
        account.requests += 1
        account.input += entry.input
        account.cached += cached
        account.cache_written += written
        account.output += output
        account.nano_dollars += entry.nano_dollars

    def stats(self) -> dict[str, Any]:
        return {
            "attempts": self.attempts,
            "open": self.attempts - self.endings.total(),
            **{how: self.endings[how] for how in ENDINGS},
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "faults": dict(self.faults),
            "images": self.images,
            "requests": sum(account.requests for account in self.accounts.values()),
            "input": sum(account.input for account in self.accounts.values()),
            "cached": sum(account.cached for account in self.accounts.values()),
            "cache_written": sum(account.cache_written for account in self.accounts.values()),
            "output": sum(account.output for account in self.accounts.values()),
            "nano_dollars": sum(account.nano_dollars for account in self.accounts.values()),
            "models": msgspec.to_builtins(self.accounts),
        }

    def log(self, since: int = 0, limit: int = 1000, bodies: bool = False) -> list[dict[str, Any]]:
        """Requests from running number `since` on, the oldest first."""
        chosen = [entry for entry in self.entries if entry.ordinal >= since][:limit]
        return [entry.shown(bodies) for entry in chosen]
