"""Where Google's models are asked: the model and what is wanted of it stand in the path."""

import re
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from earthward.http.server import Request

_MODEL = re.compile(
    rb"/v1(?:alpha|beta|beta1)?/(?P<place>projects/[^/]+/locations/[^/]+/)?(?P<publisher>publishers/google/)?"
    rb"models/(?P<model>[^/]+):(?P<verb>[a-zA-Z]+)"
)
_LISTS = re.compile(rb"/v1(?:alpha|beta|beta1)?/(?:publishers/google/)?models(?:/[^/:]+)?")


class Place(NamedTuple):
    """`is_vertex` is whether the path is one of Vertex AI's, `in_project` whether it names a project."""

    model: str
    verb: str
    is_vertex: bool
    in_project: bool


class _Asks:
    """The paths at which answers are asked for."""

    def __contains__(self, path: object) -> bool:
        found = place(path) if isinstance(path, bytes) else None
        return found is not None and found.verb in ("generateContent", "streamGenerateContent")


ASKS = _Asks()


def place(path: bytes) -> Place | None:
    found = _MODEL.fullmatch(path.partition(b"?")[0])
    if found is None:
        return None
    is_vertex = bool(found["place"] or found["publisher"])
    return Place(unquote(found["model"].decode("latin-1")), found["verb"].decode(), is_vertex, bool(found["place"]))


def speaks(request: Request) -> bool:
    """Its lists of models share a path with OpenAI's: Google's own headers tell them apart."""
    if place(request.path) is not None or request.path.startswith((b"/v1beta/", b"/v1beta1/")):
        return True
    return bool(_LISTS.fullmatch(request.path)) and request.get(b"x-goog-api-key") is not None


def at(request: Request) -> bytes:
    """The path, and whether events were asked for."""
    asked = parse_qs(request.query.decode("latin-1"))
    return request.path + (b"?alt=sse" if asked.get("alt") == ["sse"] else b"")
