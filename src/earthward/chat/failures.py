"""What can go wrong with an exchange, divided by what the gateway does next."""

from enum import StrEnum

import msgspec


class FailureKind(StrEnum):
    """One word for each cause; dialects turn it into their own status, type and code."""

    # The caller has to change something.
    BAD_REQUEST = "bad_request"
    UNSUPPORTED = "unsupported"
    CONTEXT_LENGTH = "context_length"
    TOO_LARGE = "too_large"
    BAD_KEY = "bad_key"
    FORBIDDEN = "forbidden"
    NO_SUCH_MODEL = "no_such_model"
    NO_SUCH_PATH = "no_such_path"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    # The target could not serve it; another may.
    UPSTREAM_AUTH = "upstream_auth"
    PAYMENT = "payment"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    UPSTREAM_ERROR = "upstream_error"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    PROMPT_CUT = "prompt_cut"
    BROKEN_STREAM = "broken_stream"
    WRONG_FORM = "wrong_form"
    # The gateway itself.
    NO_TARGET = "no_target"
    DRAINING = "draining"
    LEDGER_DOWN = "ledger_down"
    INTERNAL = "internal"
    # Nobody is left to tell.
    CLIENT_GONE = "client_gone"
    PROCESS_DIED = "process_died"


ANOTHER_MAY_SERVE = frozenset(
    {
        FailureKind.UPSTREAM_AUTH,
        FailureKind.PAYMENT,
        FailureKind.RATE_LIMITED,
        FailureKind.OVERLOADED,
        FailureKind.UPSTREAM_ERROR,
        FailureKind.UNREACHABLE,
        FailureKind.RESET,
        FailureKind.TIMEOUT,
        FailureKind.MALFORMED,
        FailureKind.PROMPT_CUT,
        FailureKind.BROKEN_STREAM,
        FailureKind.WRONG_FORM,
        FailureKind.NO_SUCH_MODEL,
        FailureKind.CONTEXT_LENGTH,
    }
)
"""Kinds after which another target is worth a try: the request itself was not at fault, or only for this target."""


class Failure(msgspec.Struct, frozen=True):
    """Why there is no answer, or no whole one.

    `message` is safe to show the caller: it holds no secret. Where it is `quoted`, it is the upstream's own and may
    repeat what was asked, so it must not be kept. `code` and `param` are the upstream's words where it gave any.
    `retry_after` is in seconds.
    """

    kind: FailureKind
    message: str
    status: int | None = None
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    quoted: bool = False

    @property
    def for_the_record(self) -> str:
        """What may be kept of the message: all of it, or no word that could be the caller's."""
        return f"the provider's words, status {self.status}" if self.quoted else self.message
