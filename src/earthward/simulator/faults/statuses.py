"""Faults told by status: the vendor says no, in its own shape."""

from collections.abc import Iterator

from earthward.simulator.faults.table import Rewrite, fault
from earthward.simulator.steps import Answer, Problem, Step, Wait, Whole

_RATE_LIMITED = Problem(
    429,
    "Rate limit reached for requests. Limit: 3 / min. Please try again in 20s.",
    "requests",
    "rate_limit_exceeded",
)
_PROBLEMS = {
    "400": Problem(400, "The request was malformed.", "invalid_request_error"),
    "401": Problem(401, "Incorrect API key provided: sk-simul********ated.", code="invalid_api_key"),
    "402": Problem(402, "Payment is required.", "billing_error"),
    "403": Problem(403, "You are not allowed to sample from this model.", code="permission_denied"),
    "404": Problem(404, "The model does not exist or you do not have access to it.", code="model_not_found"),
    "408": Problem(408, "The request took too long.", "timeout"),
    "quota": Problem(429, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
    "429": _RATE_LIMITED,
    "500": Problem(500, "The server had an error while processing your request. Sorry about that!", "server_error"),
    "502": Problem(502, "Bad gateway.", "server_error"),
    "503": Problem(503, "The engine is currently overloaded, please try again later.", "server_error"),
    "504": Problem(504, "The upstream model did not answer in time.", "server_error"),
    "529": Problem(529, "Overloaded.", "overloaded_error"),
}


def _with_status(name: str, general: Problem, retry_after: float | None = None) -> Rewrite:
    def rewrite(answer: Answer) -> Iterator[Step]:
        problem = answer.refusal(name) or general
        if answer.behaviour.wait:
            yield Wait(answer.behaviour.wait)
        headers = [(b"content-type", b"application/json"), *answer.headers, *problem.headers]
        seconds = retry_after if answer.behaviour.retry_after is None else answer.behaviour.retry_after
        if seconds is not None:
            headers.append((b"retry-after", f"{seconds:g}".encode()))
        yield Whole(problem.status, headers, answer.error(problem))

    return rewrite


for _name, _problem in _PROBLEMS.items():
    fault(_name, f"status {_problem.status}, with `retry-after` if `retry_after` is given")(
        _with_status(_name, _problem)
    )
fault("429_retry_after", "status 429, and `retry-after` of `retry_after` seconds (1)")(
    _with_status("429", _RATE_LIMITED, 1)
)


@fault("redirect", "status 307 to a path of the same server")
def redirect(answer: Answer) -> Iterator[Step]:
    yield Whole(307, [(b"location", b"/v1/elsewhere"), *answer.headers], b"")
