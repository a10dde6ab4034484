"""What is kept of an exchange, for ever.

Content is never part of it. Times are Unix nanoseconds, durations nanoseconds, money integer nano-dollars.
None of these can be part of a cycle, so that the garbage collector need not walk through thousands of them.
"""

from typing import Literal

import msgspec

from earthward.chat.failures import FailureKind
from earthward.chat.usage import Usage

Arm = Literal["baseline", "candidate", "only"]
Status = Literal["ok", "failed", "cancelled", "unknown"]

DRILL = "drill"
"""Why an attempt was made that only tries whether the emergency path works."""


class Attempt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One try at one endpoint. `why` says what made the gateway try it, `failure` how it ended if not well.

    `usage` and `cost` are its own: a provider bills what it answered even where the answer was of no use. A cost of
    None is unknown. `context` is with how many tokens its host was to have the model loaded, 0 where it chose itself.
    Fields are only ever added at the end, as in `Record`.
    """

    target: str
    endpoint: str
    why: str
    started_at: int
    duration: int = 0
    status: int | None = None
    failure: FailureKind | None = None
    message: str | None = None
    usage: Usage = Usage()
    cost: int | None = 0
    context: int = 0


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One exchange, settled. Fields are only ever added at the end: old spools must stay readable."""

    id: str
    accepted_at: int
    status: Status
    # How long after accept: a slot was had, the first content event came, the answer was over.
    queued: int = 0
    first_content: int | None = None
    duration: int = 0
    # What was asked for, and by whom.
    dialect: str = ""
    path: str = ""
    requested_model: str = ""
    stream: bool = False
    key: str = ""
    app: str = ""
    team: str = ""
    task: str = ""
    data_class: str = ""
    unit: str = ""
    # Who served it.
    route: str = ""
    arm: Arm = "only"
    share: int = 0
    stage: int = 0
    epoch: int = 0
    snapshot: str = ""
    target: str = ""
    endpoint: str = ""
    upstream_dialect: str = ""
    model: str = ""
    attempts: tuple[Attempt, ...] = ()
    # How it ended.
    http_status: int = 0
    failure: FailureKind | None = None
    message: str | None = None
    finish_reason: str | None = None
    # What the answer used. Characters are those of the request and the answer as text, not as JSON.
    usage: Usage = Usage()
    characters_in: int = 0
    characters_out: int = 0
    # Of all attempts together; None if that of any is unknown.
    cost: int | None = None
    dropped: tuple[str, ...] = ()


class Opened(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="opened"):
    """Written before an attempt goes out. Never stored: should the process die, it proves that money may be due."""

    id: str
    attempt: int
    at: int
    route: str
    arm: Arm
    share: int
    unit: str
    key: str
    app: str
    team: str
    requested_model: str
    dialect: str
    target: str
    endpoint: str
    snapshot: str


class Settled(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="settled"):
    """Written before the last bytes of the answer leave."""

    record: Record


Entry = Opened | Settled
