"""Azure OpenAI: OpenAI's answers at Azure's paths, with what its content filter found in front."""

import re
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import unquote

import msgspec

from earthward.http.server import Request
from earthward.simulator.draft import Asked
from earthward.simulator.models import Offer
from earthward.simulator.steps import Head, Headers, Piece, Problem, Step, Whole
from earthward.simulator.vendors import openai, openai_embeddings
from earthward.simulator.vendors.vendor import Made, Vendor

_PATH = re.compile(rb"/openai/(?:deployments/([^/]+)/|v1/)chat/completions")
_EMBEDDINGS = re.compile(rb"/openai/(?:deployments/([^/]+)/|v1/)embeddings")
_MODELS = (b"/openai/v1/models", b"/openai/models")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
_SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_FOUND = [{"prompt_index": 0, "content_filter_results": _SAFE}]
_NO_ACCESS = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)
_BUSY = "Requests to the ChatCompletions_Create Operation have exceeded call rate limit. Please retry after 20 seconds."
_REFUSALS = {
    "401": Problem(401, _NO_ACCESS, code="401"),
    "403": Problem(403, "Access denied due to Virtual Network/Firewall rules.", code="403"),
    "429": Problem(429, _BUSY, code="429"),
    "503": Problem(503, "The server is currently processing too many requests.", code="ServiceUnavailable"),
}


class _Asks:
    def __contains__(self, path: object) -> bool:
        return isinstance(path, bytes) and _PATH.fullmatch(path) is not None


def speaks(request: Request) -> bool:
    return request.path.startswith(b"/openai/") and not request.path.endswith(b"/responses")


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    shown = request.get(b"api-key")
    if shown is None or (keys and shown.decode("latin-1") not in keys):
        return _REFUSALS["401"]
    if b"/deployments/" in request.path and b"api-version=" not in request.query:
        return Problem(404, "Resource not found", code="404")
    return None


def read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    """The deployment in the path is the model, whatever the body says."""
    return openai.requests.read(path, _named(_PATH.fullmatch(path), body), digest)


def _named(found: re.Match[bytes] | None, body: bytes) -> bytes:
    if found is None or found[1] is None:
        return body
    try:
        return _encode({**_fields.decode(body), "model": unquote(found[1].decode("latin-1"))})
    except msgspec.DecodeError:
        return body


def no_model(name: str) -> Problem:
    return Problem(
        404,
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again.",
        code="DeploymentNotFound",
    )


def error(problem: Problem, id: str) -> bytes:
    told = {"code": problem.code or str(problem.status), "message": problem.message}
    return _encode({"error": told | ({"param": problem.param} if problem.param else {})})


def refusal(name: str, created: int) -> Problem | None:
    return _REFUSALS.get(name)


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    if request.method == b"POST" and (found := _EMBEDDINGS.fullmatch(request.path)) is not None:
        return openai_embeddings.answer(_named(found, request.body))
    if request.method != b"GET" or request.path not in _MODELS:
        return None
    models = [{"id": model.dated, "object": "model", "status": "succeeded"} for model in offer.of("openai")]
    return Whole(200, [(b"content-type", b"application/json")], _encode({"object": "list", "data": models}))


def head(id: str, created: int) -> Headers:
    return [(b"apim-request-id", id.encode()), (b"x-ms-region", b"West Europe")]


def whole(made: Made) -> Iterator[Step]:
    for step in openai.answers.whole(made):
        if isinstance(step, Whole):
            answer = {**_decode(step.body), "prompt_filter_results": _FOUND}
            step = msgspec.structs.replace(step, body=_encode(answer))
        yield step


def stream(made: Made) -> Iterator[Step]:
    """The first chunk has no name, no model and no choice: only what the filter found in the prompt."""
    found = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": _FOUND}
    for step in openai.answers.stream(made):
        yield step
        if isinstance(step, Head):
            yield Piece(openai.answers.event(_encode(found)))


VENDOR: Vendor = msgspec.structs.replace(
    openai.VENDOR,
    name="azure",
    asks=_Asks(),
    speaks=speaks,
    refused=refused,
    read=read,
    no_model=no_model,
    error=error,
    refusal=refusal,
    about=about,
    head=head,
    whole=whole,
    stream=stream,
)
