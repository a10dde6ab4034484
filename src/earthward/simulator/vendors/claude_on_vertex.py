"""Claude as Vertex AI has it: Anthropic's answers at Google's paths, behind Google's door."""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import unquote

import msgspec

from earthward.http.server import Request
from earthward.simulator.draft import Asked
from earthward.simulator.models import Offer
from earthward.simulator.steps import Problem, Whole
from earthward.simulator.vendors import anthropic
from earthward.simulator.vendors.gemini import errors as google
from earthward.simulator.vendors.vendor import Vendor, bearer

_PATH = re.compile(
    rb"/v1(?:beta1)?/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/([^/]+):(rawPredict|streamRawPredict)"
)
_COUNTS = b"/publishers/anthropic/models/count-tokens:rawPredict"
_VERSION = "vertex-2023-10-16"
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class _Asks:
    def __contains__(self, path: object) -> bool:
        return isinstance(path, bytes) and _PATH.fullmatch(path) is not None and not path.endswith(_COUNTS)


def speaks(request: Request) -> bool:
    return _PATH.fullmatch(request.path) is not None


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    shown = bearer(request)
    refusal = google.refusal("401", 0)
    return None if shown and (not keys or shown in keys) else refusal


def read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    found = _PATH.fullmatch(path)
    assert found is not None, "asked for at one of these paths only"
    try:
        fields = _fields.decode(body)
    except msgspec.DecodeError as problem:
        return Problem(400, str(problem))
    if "model" in fields:
        return Problem(400, "model: Extra inputs are not permitted")
    if bytes(fields.pop("anthropic_version", b"")) != _encode(_VERSION):
        return Problem(400, "anthropic_version: Field required")
    if (bytes(fields.get("stream", b"")) == b"true") is not (found[2] == b"streamRawPredict"):
        return Problem(400, "stream: must be asked for at streamRawPredict, and nowhere else")
    model = unquote(found[1].decode("latin-1")).replace("@", "-")
    return anthropic.requests.read(path, _encode({**fields, "model": model}), digest)


def no_model(name: str) -> Problem:
    return Problem(404, f"Publisher Model `publishers/anthropic/models/{name}` was not found.")


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    """Counts, which know models by their names without a version."""
    if request.method != b"POST" or not request.path.endswith(_COUNTS):
        return None
    try:
        name = str(_decode(request.body)["model"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return Problem(400, "model: Field required")
    if "@" in name:
        return Problem(400, f"{name} is not supported for token counting")
    return anthropic.requests.count(request.body, offer)


VENDOR: Vendor = msgspec.structs.replace(
    anthropic.VENDOR,
    name="claude_on_vertex",
    asks=_Asks(),
    speaks=speaks,
    refused=refused,
    read=read,
    no_model=no_model,
    about=about,
)
