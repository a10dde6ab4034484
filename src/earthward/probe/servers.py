"""Servers of models: whether one is at an address, and which models it has. Asks for lists, never for an answer."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from earthward.probe.fetch import Unreachable, get

OLLAMA_PORT = 11434
USUAL_PORTS = {8000: "vllm", 8080: "llama-server", 1234: "lm-studio", 30000: "sglang"}
"""Where servers that speak OpenAI's API listen if nobody says otherwise."""


class Found(msgspec.Struct, frozen=True):
    """A model that a server has: `size` in bytes, `context` in tokens, both None if not told.

    `is_chat` is false for what only embeds; `is_remote` is true for what Ollama sends on to its cloud.
    """

    name: str
    size: int | None = None
    context: int | None = None
    is_chat: bool = True
    is_remote: bool = False


class Server(msgspec.Struct, frozen=True):
    """`url` is what a configuration takes as `base_url`. `version` is Ollama's, empty for others."""

    kind: str
    name: str
    url: str
    models: tuple[Found, ...]
    version: str = ""


class _Details(msgspec.Struct):
    context_length: int | None = None


class _Tag(msgspec.Struct):
    name: str
    size: int | None = None
    details: _Details | None = None
    capabilities: list[str] | None = None
    remote_host: str | None = None


class _Tags(msgspec.Struct):
    models: list[_Tag] | None = None


class _Version(msgspec.Struct):
    version: str


class _Listed(msgspec.Struct):
    id: str
    max_model_len: int | None = None


class _List(msgspec.Struct):
    data: list[_Listed]


def ollama_url(environ: Mapping[str, str]) -> str:
    """Where Ollama is, by OLLAMA_HOST as Ollama's own client reads it. Listening on all addresses is reached here."""
    given = environ.get("OLLAMA_HOST", "").strip().strip("\"'")
    scheme, _, rest = given.partition("://") if "://" in given else ("http", "", given)
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError:
        return f"http://127.0.0.1:{OLLAMA_PORT}"
    usual = {"http": OLLAMA_PORT, "https": 443}.get(scheme, OLLAMA_PORT)
    if "://" in given and scheme == "http" and port is None:
        usual = 80
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  what others listen on, not we
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port or usual}"


def ollama(url: str) -> Server | None:
    """The Ollama at this address, or None if none answers there."""
    try:
        version = msgspec.json.decode(get(f"{url}/api/version").body, type=_Version).version
        tags = msgspec.json.decode(get(f"{url}/api/tags").body, type=_Tags).models or []
    except (Unreachable, msgspec.DecodeError):
        return None
    return Server("ollama", "ollama", url, tuple(map(_found, tags)), version)


def openai_compatible(port: int, host: str = "127.0.0.1") -> Server | None:
    """The server at this port that lists its models as OpenAI does, or None."""
    url = f"http://{host}:{port}/v1"
    try:
        answer = get(f"{url}/models")
        listed = msgspec.json.decode(answer.body, type=_List).data
    except (Unreachable, msgspec.DecodeError):
        return None
    models = tuple(Found(it.id, context=it.max_model_len, is_chat=not _embeds(it.id)) for it in listed)
    return Server("openai_compatible", USUAL_PORTS.get(port, f"server-{port}"), url, models)


def _found(tag: _Tag) -> Found:
    is_chat = "completion" in tag.capabilities if tag.capabilities else not _embeds(tag.name)
    context = tag.details.context_length if tag.details else None
    return Found(tag.name, tag.size, context, is_chat, bool(tag.remote_host))


def _embeds(name: str) -> bool:
    return "embed" in name.lower() or "minilm" in name.lower()
