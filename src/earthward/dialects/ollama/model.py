"""What the caller knows of a model at its hosts, and what names say of where a model runs."""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.json_limits import NOT_JSON

LOAD_OPTIONS = frozenset(
    {
        "draft_num_predict",
        "f16_kv",
        "low_vram",
        "main_gpu",
        "num_batch",
        "num_ctx",
        "num_gpu",
        "num_thread",
        "numa",
        "use_mlock",
        "use_mmap",
        "vocab_only",
    }
)
"""Options that make Ollama load the model anew when two requests differ in them."""

_LEVEL_FAMILIES = ("gptoss", "gpt-oss")
"""Families that take a level of thinking instead of on and off, and cannot be turned off."""


class Model(msgspec.Struct, frozen=True):
    """One set for a target: all its requests load the model in the same way, or its hosts do nothing but load.

    `capabilities` are Ollama's words (completion, tools, vision, thinking, audio, insert); None if not known. `trained`
    is how many tokens the model was made for. `stop` is the Modelfile's list: a request's own would replace it.
    `num_predict` caps answers for which the caller gave no cap. `load_options` are others than `num_ctx`, under their
    names on the wire.
    """

    capabilities: frozenset[str] | None = None
    thinks_in_levels: bool = False
    trained: int | None = None
    stop: tuple[str, ...] = ()
    num_ctx: int | None = None
    num_predict: int | None = None
    keep_alive: str | int | float | None = None
    load_options: dict[str, Any] = {}

    @property
    def thinks(self) -> bool | None:
        """None if not known."""
        return None if self.capabilities is None else "thinking" in self.capabilities

    def loading(self) -> dict[str, Any]:
        """The options with which the model is loaded."""
        return self.load_options if self.num_ctx is None else {**self.load_options, "num_ctx": self.num_ctx}


class _Details(msgspec.Struct):
    family: str = ""


class _Shown(msgspec.Struct):
    capabilities: list[str] | None = None
    parameters: str = ""
    details: _Details | None = None
    model_info: dict[str, Any] | None = None


def read_show(body: bytes) -> Model | Failure:
    """What `/api/show` tells of a model, for whoever sets `num_ctx` and `keep_alive` by its own lights."""
    try:
        shown = msgspec.json.decode(body, type=_Shown)
    except NOT_JSON as error:
        return Failure(FailureKind.MALFORMED, f"what Ollama shows of the model cannot be read: {error}")
    family = shown.details.family if shown.details is not None else ""
    architecture = (shown.model_info or {}).get("general.architecture")
    return Model(
        capabilities=None if shown.capabilities is None else frozenset(shown.capabilities),
        thinks_in_levels=family in _LEVEL_FAMILIES or architecture in _LEVEL_FAMILIES,
        stop=stops_in(shown.parameters),
        trained=_trained(shown.model_info or {}, architecture),
    )


def _trained(about: dict[str, Any], architecture: Any) -> int | None:
    found = about.get(f"{architecture}.context_length")
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def stops_in(parameters: str) -> tuple[str, ...]:
    """The stop strings among a Modelfile's parameters, as `/api/show` lists them: a name and a value on each line."""
    stops = []
    for line in parameters.splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "stop" and value.strip():
            stops.append(_unquoted(value.strip()))
    return tuple(stops)


def _unquoted(value: str) -> str:
    try:
        return msgspec.json.decode(value, type=str)
    except NOT_JSON:
        return value


def is_cloud_model(name: str) -> bool:
    """Whether Ollama would send what is asked of this model to ollama.com, no pull needed.

    It takes names in any case. A name that only looks like one counts too: when in doubt, it is cloud.
    """
    tagged = name.strip().casefold().partition("@")[0]
    return tagged.endswith((":cloud", "-cloud"))
