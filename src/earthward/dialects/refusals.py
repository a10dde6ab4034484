"""What is alike in the refusals of all vendors: what a status means, and what is told of one that says nothing more."""

from collections.abc import Mapping
from typing import Any

from earthward.chat import Failure, FailureKind
from earthward.dialects.retry_after import Headers, retry_after

LONGEST_MESSAGE = 2000
NO_ACCESS = "the provider refused access to the gateway's credentials"
NO_REASON = "the provider gave no reason"
KINDS = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.UPSTREAM_AUTH,
    402: FailureKind.PAYMENT,
    403: FailureKind.UPSTREAM_AUTH,
    404: FailureKind.NO_SUCH_MODEL,
    408: FailureKind.TIMEOUT,
    409: FailureKind.CONFLICT,
    413: FailureKind.TOO_LARGE,
    422: FailureKind.BAD_REQUEST,
    429: FailureKind.RATE_LIMITED,
    503: FailureKind.OVERLOADED,
    504: FailureKind.TIMEOUT,
}
"""What a status means, at least."""

Kinds = Mapping[int, FailureKind]


def kind_of_status(status: int, kinds: Kinds = KINDS) -> FailureKind:
    # 405, 407, 431 and so on are about how we asked; a redirect, which is never followed, and a 5xx are theirs.
    return kinds.get(status, FailureKind.UPSTREAM_ERROR)


def status_in(error: Any) -> int | None:
    """The status that an error names which came with status 200."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code <= 599 else None


def status_to_tell(failure: Failure, own: int, kinds: Kinds = KINDS) -> int:
    """The upstream's own status where it says the same thing to our caller as it said to us; else `own`."""
    status = failure.status
    if status is None or failure.kind in (FailureKind.UPSTREAM_AUTH, FailureKind.PAYMENT):
        return own
    is_telling = status in kinds or 500 <= status <= 599
    return status if is_telling and kind_of_status(status, kinds) is failure.kind else own


def unexplained(status: int, headers: Headers, kinds: Kinds = KINDS) -> Failure:
    """What came with no error that could be read."""
    # A missing model is reported in JSON; a bare 404 page comes from something that is no such API.
    kind = FailureKind.UPSTREAM_ERROR if status == 404 else kind_of_status(status, kinds)
    message = f"the provider answered with status {status} and no error in JSON; is its base URL right?"
    if kind is FailureKind.UPSTREAM_AUTH:
        message = NO_ACCESS
    return Failure(kind, message, status, retry_after=retry_after(headers))


def text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
