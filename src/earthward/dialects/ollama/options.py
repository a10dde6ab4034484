"""Options of the runner, both ways."""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Sampling
from earthward.dialects.ollama.model import LOAD_OPTIONS, Model


class WireOptions(msgspec.Struct):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    num_predict: int | None = None


_NO_WISHES = Sampling()
_KNOWN = frozenset(WireOptions.__struct_fields__)


def read_sampling(wire: WireOptions) -> Sampling:
    return Sampling(
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        min_p=wire.min_p,
        frequency_penalty=wire.frequency_penalty,
        presence_penalty=wire.presence_penalty,
        repeat_penalty=wire.repeat_penalty,
        # -1 is how Ollama says random, its default.
        seed=wire.seed if wire.seed is not None and wire.seed >= 0 else None,
        stop=tuple(filter(None, wire.stop or ())),
    )


def read_cap(wire: WireOptions) -> int | None:
    """Negative is as long as it takes."""
    return wire.num_predict if wire.num_predict is not None and wire.num_predict >= 0 else None


def other_options(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name not in _KNOWN}


def written_options(request: ChatRequest, model: Model) -> dict[str, Any]:
    """What the caller asks for, and the model's own ways of loading; the caller's are not heard, see `losses`."""
    sampling = request.sampling
    cap = request.max_tokens if request.max_tokens is not None else model.num_predict
    if sampling == _NO_WISHES and "options" not in request.rest:
        return {**({} if cap is None else {"num_predict": cap}), **model.loading()}
    options = {
        **{name: value for name, value in _others(request).items() if name not in LOAD_OPTIONS},
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "repeat_penalty": sampling.repeat_penalty,
        "seed": sampling.seed,
        "stop": _stops(sampling.stop, model.stop),
        "num_predict": cap,
        **model.loading(),
    }
    return {name: value for name, value in options.items() if value is not None}


def lost_options(request: ChatRequest) -> list[str]:
    return lost_loading(_others(request))


def lost_loading(options: Any) -> list[str]:
    """How a client would have the model loaded, of all its options."""
    return [f"options.{name}" for name in options if name in LOAD_OPTIONS] if isinstance(options, dict) else []


def canonical_options(client: Any, model: Model) -> dict[str, Any]:
    """The options of a request that passes through: the client's, but for those that load."""
    own = client if isinstance(client, dict) else {}
    return {**{name: value for name, value in own.items() if name not in LOAD_OPTIONS}, **model.loading()}


def _others(request: ChatRequest) -> dict[str, Any]:
    options = request.rest.get("options")
    return options if isinstance(options, dict) else {}


def _stops(asked: tuple[str, ...], modelfile: tuple[str, ...]) -> list[str] | None:
    """A list in the request replaces the Modelfile's, without which many models run on; so both, each once."""
    return list(dict.fromkeys([*asked, *modelfile])) if asked else None
