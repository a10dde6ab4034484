"""Where Google's libraries get access tokens: the metadata server of a machine, and the token endpoint.

What is shown there is not checked; the tokens are numbered.
"""

import itertools
from collections.abc import Collection, Iterator
from typing import NoReturn

import msgspec

from earthward.http.server import Request
from earthward.simulator.draft import Asked
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Headers, Problem, Step, Whole
from earthward.simulator.vendors.vendor import Made, Vendor

_METADATA = b"/computeMetadata/v1/"
_ACCOUNT = _METADATA + b"instance/service-accounts/default/"
_TOKEN = b"/token"
_EXCHANGE = b"/v1/token"
LIFE = 3600
"""Seconds."""
_encode = msgspec.json.Encoder().encode
_FLAVOR = (b"metadata-flavor", b"Google")
_JSON: Headers = [(b"content-type", b"application/json"), _FLAVOR]
_TEXT: Headers = [(b"content-type", b"application/text"), _FLAVOR]
_numbers = itertools.count(1)


def speaks(request: Request) -> bool:
    return request.path.startswith(_METADATA) or request.path in (_TOKEN, _EXCHANGE) or _is_ping(request)


def _is_ping(request: Request) -> bool:
    return request.path == b"/" and request.get(b"metadata-flavor") == b"Google"


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    if request.path.startswith(_METADATA) and request.get(b"metadata-flavor") != b"Google":
        return Problem(403, "Missing Metadata-Flavor:Google header.")
    return None


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    token = {"access_token": f"ya29.simulated-{next(_numbers)}", "expires_in": LIFE, "token_type": "Bearer"}
    if request.method == b"POST" and request.path in (_TOKEN, _EXCHANGE):
        return Whole(
            200, _JSON, _encode({**token, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})
        )
    if request.path == _ACCOUNT + b"token":
        return Whole(200, _JSON, _encode(token))
    if request.path == _ACCOUNT:
        account = {"aliases": ["default"], "email": "simulated@acme.iam.gserviceaccount.com", "scopes": []}
        return Whole(200, _JSON, _encode(account))
    if request.path == _METADATA + b"project/project-id":
        return Whole(200, _TEXT, b"acme")
    if (
        request.path == _METADATA + b"universe/universe-domain"
        or request.path == _METADATA + b"universe/universe_domain"
    ):
        return Whole(200, _TEXT, b"googleapis.com")
    return Whole(200, _TEXT, b"") if _is_ping(request) else None


def error(problem: Problem, id: str) -> bytes:
    return _encode({"error": "invalid_request", "error_description": problem.message})


def _head(id: str, created: int) -> Headers:
    return []


def _never(*_: object) -> NoReturn:
    raise AssertionError("nobody is asked for an answer here")


def _no_steps(made: Made) -> Iterator[Step]:
    _never()


def _read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    _never()


def _fits(asked: Asked, model: Model, offer: Offer) -> Asked | Problem:
    _never()


VENDOR = Vendor(
    name="google_identity",
    asks=frozenset(),
    speaks=speaks,
    refused=refused,
    read=_read,
    find=lambda offer, name: None,
    fits=_fits,
    no_model=lambda name: Problem(404, name),
    no_path=lambda method, path: Problem(404, "Not Found"),
    about=about,
    head=_head,
    whole=_no_steps,
    stream=_no_steps,
    event=lambda payload: payload,
    error=error,
    around=lambda stream: (b"", b""),
)
