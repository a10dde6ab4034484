"""What callers can ask about the models there are, in each vendor's shape: lists, one model, the version.

All tell the same: the models that routes offer to this caller.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import EMBEDDINGS, Route, Target
from earthward.dialects import anthropic_messages, gemini, ollama, openai_chat
from earthward.dialects.json_limits import NOT_JSON
from earthward.gateway.doors import DOORS
from earthward.gateway.doors.door import Door
from earthward.gateway.doors.gemini import ANYWHERE as GEMINI
from earthward.http.server import Request

OPENAI = DOORS[b"/v1/chat/completions"]
ANTHROPIC = DOORS[b"/v1/messages"]
OLLAMA = DOORS[b"/api/chat"]
ONE_MODEL = b"/v1/models/"
GEMINI_MODEL = b"/v1beta/models/"
VERTEX_MODELS = (b"/v1/publishers/google/models", b"/v1beta1/publishers/google/models")
CAPABILITIES = (("tools", "tools"), ("vision", "images"), ("insert", "insert"), ("audio", "audio"))
"""Ollama's words for abilities."""
KEPT_FOR = 300
"""Seconds for which `/api/ps` says that models stay loaded: they are, for all that callers need to know."""

Written = bytes | Failure


class Shelf(msgspec.Struct, frozen=True):
    """What there is for one caller: names to show, whether any other name would be served too, since when (Unix s), and
    what the models behind a name can do."""

    offered: Sequence[str]
    serves: Callable[[str], bool]
    since: int
    offer: Callable[[str], ollama.Offer]


class ModelsList(msgspec.Struct, frozen=True):
    """One question and its answer. `needs_key` is whether only callers with a key are told."""

    door: Door
    method: bytes
    path: bytes
    write: Callable[[Request, Shelf], Written]
    needs_key: bool = True

    @property
    def is_beginning(self) -> bool:
        """Whether the path is none itself, but what others begin with."""
        return self.path.endswith(b"/")

    def serves(self, request: Request) -> bool:
        if self.is_beginning:
            return request.path.startswith(self.path) and request.path != self.path
        return request.path == self.path


def door_of_list(request: Request) -> Door | None:
    """Three vendors share a path; Anthropic's SDKs always name a version, and Google's have headers of their own."""
    if request.path.startswith(b"/v1/models"):
        if request.get(b"x-goog-api-key") is not None or request.get(b"x-goog-api-client") is not None:
            return GEMINI
        return ANTHROPIC if request.get(b"anthropic-version") is not None else OPENAI
    return next((question.door for question in LISTS if question.serves(request)), None)


def _gemini_models(request: Request, shelf: Shelf) -> Written:
    return gemini.write_models(map(gemini.Offer, shelf.offered))


def _gemini_model(request: Request, shelf: Shelf) -> Written:
    name = _named_in_path(request)
    return gemini.write_model(gemini.Offer(name)) if shelf.serves(name) else _no_model(name)


def _vertex_models(request: Request, shelf: Shelf) -> Written:
    return gemini.write_models(map(gemini.Offer, shelf.offered), vertex=True)


def _vertex_model(request: Request, shelf: Shelf) -> Written:
    name = _named_in_path(request)
    return gemini.write_model(gemini.Offer(name), vertex=True) if shelf.serves(name) else _no_model(name)


def _openai_models(request: Request, shelf: Shelf) -> Written:
    return openai_chat.write_models(shelf.offered, shelf.since)


def _openai_model(request: Request, shelf: Shelf) -> Written:
    name = _named_in_path(request)
    return openai_chat.write_model(name, shelf.since) if shelf.serves(name) else _no_model(name)


def _anthropic_models(request: Request, shelf: Shelf) -> Written:
    return anthropic_messages.write_models(shelf.offered, shelf.since)


def _anthropic_model(request: Request, shelf: Shelf) -> Written:
    name = _named_in_path(request)
    return anthropic_messages.write_model(name, shelf.since) if shelf.serves(name) else _no_model(name)


def _ollama_tags(request: Request, shelf: Shelf) -> Written:
    return ollama.write_tags(map(shelf.offer, shelf.offered), shelf.since)


def _ollama_show(request: Request, shelf: Shelf) -> Written:
    try:
        asked = msgspec.json.decode(request.body, type=dict[str, Any])
    except NOT_JSON:
        return Failure(FailureKind.BAD_REQUEST, "the request body must be a JSON object that names a `model`")
    name = asked.get("model") or asked.get("name")
    if not isinstance(name, str):
        return Failure(FailureKind.BAD_REQUEST, "you must name a `model`", param="model")
    return ollama.write_show(shelf.offer(name), shelf.since) if shelf.serves(name) else _no_model(name)


def _ollama_ps(request: Request, shelf: Shelf) -> Written:
    return ollama.write_ps(map(shelf.offer, shelf.offered), time.time() + KEPT_FOR)


def offer_of(name: str, *routes: Route, targets: Mapping[str, Target]) -> ollama.Offer:
    """What whoever serves this name can do, in Ollama's words: what all can that may be asked first, with the least of
    their contexts."""
    first = [targets[arm] for route in routes for arm in (route.use, route.baseline, route.candidate) if arm]
    talking = [target for target in first if EMBEDDINGS not in target.abilities]
    can = frozenset.intersection(*(target.abilities for target in talking)) if talking else frozenset[str]()
    words = ["completion"] if talking or not first else []
    words += [word for word, ability in CAPABILITIES if ability in can]
    words += ["embedding"] if any(EMBEDDINGS in target.abilities for target in first) else []
    contexts = [target.context for target in talking or first if target.context]
    return ollama.Offer(name, tuple(words), min(contexts) if contexts else None)


def _ollama_version(request: Request, shelf: Shelf) -> Written:
    return ollama.write_version()


def _named_in_path(request: Request) -> str:
    before = next(listed.path for listed in LISTS if listed.is_beginning and listed.serves(request))
    return unquote_to_bytes(request.path.removeprefix(before)).decode("utf-8", "replace")


def _no_model(name: str) -> Failure:
    return Failure(FailureKind.NO_SUCH_MODEL, f"no route serves the model {name[:200]!r}")


LISTS = (
    ModelsList(OPENAI, b"GET", b"/v1/models", _openai_models),
    ModelsList(OPENAI, b"GET", ONE_MODEL, _openai_model),
    ModelsList(OPENAI, b"GET", b"/openai/models", _openai_models),
    ModelsList(OPENAI, b"GET", b"/openai/v1/models", _openai_models),
    ModelsList(ANTHROPIC, b"GET", b"/v1/models", _anthropic_models),
    ModelsList(ANTHROPIC, b"GET", ONE_MODEL, _anthropic_model),
    ModelsList(GEMINI, b"GET", b"/v1/models", _gemini_models),
    ModelsList(GEMINI, b"GET", ONE_MODEL, _gemini_model),
    ModelsList(GEMINI, b"GET", b"/v1beta/models", _gemini_models),
    ModelsList(GEMINI, b"GET", GEMINI_MODEL, _gemini_model),
    *(ModelsList(GEMINI, b"GET", path, _vertex_models) for path in VERTEX_MODELS),
    *(ModelsList(GEMINI, b"GET", path + b"/", _vertex_model) for path in VERTEX_MODELS),
    ModelsList(OLLAMA, b"GET", b"/api/tags", _ollama_tags),
    ModelsList(OLLAMA, b"POST", b"/api/show", _ollama_show),
    ModelsList(OLLAMA, b"GET", b"/api/ps", _ollama_ps),
    ModelsList(OLLAMA, b"GET", b"/api/version", _ollama_version, needs_key=False),
)
