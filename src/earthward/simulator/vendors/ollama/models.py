"""What Ollama says of its models and of itself, and how models come and go."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from earthward.http.server import Request
from earthward.simulator.hardware import LIBRARY, LocalModel, tagged
from earthward.simulator.machine import Machine
from earthward.simulator.models import Offer
from earthward.simulator.steps import Head, Last, Piece, Problem, Step, Wait, Whole
from earthward.simulator.vendors.ollama.answers import JSON, LINES
from earthward.simulator.vendors.ollama.requests import KINDS, wrong_option

_MODIFIED = "2025-01-01T00:00:00Z"
_EVENTS = 20
"""Of progress while a model is pulled."""
_PLAIN = [(b"content-type", b"text/plain; charset=utf-8")]
_encode = msgspec.json.Encoder().encode


class _Named(msgspec.Struct):
    """A request about one model, by the newer or the older name of its name."""

    model: str = ""
    name: str = ""
    stream: bool | None = None
    verbose: bool = False
    source: str = ""
    destination: str = ""
    from_: str = msgspec.field(default="", name="from")
    parameters: dict[str, Any] = {}
    system: str = ""


def about(request: Request, offer: Offer) -> Whole | Problem | Iterator[Step] | None:
    machine, method, path = offer.machine, request.method, request.path
    if method in (b"GET", b"HEAD"):
        return _told(path, machine)
    if (method, path) not in _CHANGES:
        return None
    try:
        asked = msgspec.json.decode(request.body, type=_Named)
    except msgspec.DecodeError as problem:
        return Problem(400, str(problem) if request.body else "missing request body")
    return _CHANGES[method, path](asked, asked.model or asked.name, machine)


def no_path(method: bytes, path: bytes) -> Whole | Problem:
    known = path in KINDS or path in _TOLD or any(path == other for _, other in _CHANGES)
    status, text = (405, b"405 method not allowed") if known else (404, b"404 page not found")
    return Whole(status, _PLAIN, text)


def _whole(answer: Any) -> Whole:
    return Whole(200, JSON, _encode(answer))


def _told(path: bytes, machine: Machine) -> Whole | None:
    if path == b"/":
        return Whole(200, _PLAIN, b"Ollama is running")
    return _whole(_TOLD[path](machine)) if path in _TOLD else None


def _tags(machine: Machine) -> Any:
    return {"models": [_listed(name, model) for name, model in machine.models.items()]}


def _details(model: LocalModel) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": model.parameters,
        "quantization_level": model.quantization,
    }


def _listed(name: str, model: LocalModel) -> dict[str, Any]:
    listed = {"name": name, "model": name, "modified_at": _MODIFIED, "size": model.size, "digest": model.digest}
    return {**listed, "details": _details(model), "capabilities": model.capabilities}


def _ps(machine: Machine) -> Any:
    return {
        "models": [
            {
                "name": name,
                "model": name,
                "size": runner.size,
                "digest": runner.model.digest,
                "details": _details(runner.model),
                "expires_at": datetime.fromtimestamp(runner.expires_at, UTC).isoformat(),
                "size_vram": runner.vram,
                "context_length": runner.context,
            }
            for name, runner in machine.runners.items()
            if runner.is_ready
        ]
    }


def _status(machine: Machine) -> Any:
    disabled = machine.hardware.cloud == "off"
    return {"cloud": {"disabled": disabled, "source": "env" if disabled else "none"}}


def _show(asked: _Named, name: str, machine: Machine) -> Whole | Problem:
    model = machine.models.get(tagged(name))
    if model is None:
        return Problem(404, f"model '{name}' not found")
    return _whole(
        {
            "license": "",
            "modelfile": f"FROM {model.alias_of or tagged(name)}\n",
            "parameters": "\n".join(f"{key:30} {value}" for key, value in _parameters(model.options)),
            "template": "{{ .Prompt }}",
            "system": model.system,
            "messages": [{"role": role, "content": text} for role, text in model.messages],
            "details": _details(model),
            "model_info": {
                "general.architecture": model.family,
                "general.file_type": 15,
                f"{model.family}.context_length": model.context,
                f"{model.family}.embedding_length": model.width,
                "tokenizer.ggml.model": "gpt2",
                "tokenizer.ggml.tokens": ["t0", "t1"] if asked.verbose else [],
            },
            "capabilities": model.capabilities,
            "modified_at": _MODIFIED,
        }
    )


def _parameters(options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """One for each line; text in quotes."""
    for key, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            yield key, json.dumps(each, ensure_ascii=False)


def _delete(asked: _Named, name: str, machine: Machine) -> Whole | Problem:
    return Whole(200, [], b"") if machine.remove(name) else Problem(404, f"model '{name}' not found")


def _copy(asked: _Named, name: str, machine: Machine) -> Whole | Problem:
    model = machine.models.get(tagged(asked.source))
    if model is None:
        return Problem(404, f'model "{asked.source}" not found')
    machine.add([msgspec.structs.replace(model, name=asked.destination, alias_of=model.alias_of or model.name)])
    return Whole(200, [], b"")


def _create(asked: _Named, name: str, machine: Machine) -> Whole | Problem | Iterator[Step]:
    """An alias with options baked in; no weights are copied."""
    model = machine.models.get(tagged(asked.from_))
    if model is None:
        return Problem(404, f"model '{asked.from_}' not found")
    if wrong := wrong_option(asked.parameters):
        return Problem(400, wrong)
    made = msgspec.structs.replace(
        model,
        name=name,
        options=model.options | asked.parameters,
        system=asked.system or model.system,
        alias_of=model.alias_of or model.name,
    )
    machine.add([made])
    return _reported(asked, iter([{"status": "using existing layer"}, {"status": "success"}]))


def _pull(asked: _Named, name: str, machine: Machine) -> Whole | Problem | Iterator[Step]:
    known = {tagged(model.name): model for model in (*LIBRARY, *(machine.hardware.models or ()))}
    model = known.get(tagged(name))
    if model is None:
        missing = Problem(500, "pull model manifest: file does not exist")
        if asked.stream is False:
            return missing
        return _reported(asked, iter([{"status": "pulling manifest"}, {"error": missing.message}]))
    return _reported(asked, _pulled(model, machine), machine.hardware.pull and model.size / machine.hardware.pull)


def _pulled(model: LocalModel, machine: Machine) -> Iterator[dict[str, Any]]:
    yield {"status": "pulling manifest"}
    layer = {"status": f"pulling {model.digest[:12]}", "digest": f"sha256:{model.digest}", "total": model.size}
    for part in range(1, _EVENTS + 1):
        yield layer | {"completed": model.size * part // _EVENTS}
    yield {"status": "verifying sha256 digest"}
    yield {"status": "writing manifest"}
    machine.add([model])
    yield {"status": "success"}


def _reported(asked: _Named, states: Iterator[dict[str, Any]], seconds: float | None = None) -> Iterator[Step]:
    """Progress as lines, or only where it ended."""
    pause, held = (seconds or 0.0) / _EVENTS, None
    if asked.stream is not False:
        yield Head(200, LINES)
    for state in states:
        if pause and "completed" in state:
            yield Wait(pause)
        if held is not None and asked.stream is not False:
            yield Piece(_encode(held) + b"\n")
        held = state
    yield Last(_encode(held) + b"\n") if asked.stream is not False else _whole(held)


_TOLD = {
    b"/api/version": lambda machine: {"version": machine.hardware.version},
    b"/api/status": _status,
    b"/api/tags": _tags,
    b"/api/ps": _ps,
}
_CHANGES = {
    (b"POST", b"/api/show"): _show,
    (b"POST", b"/api/pull"): _pull,
    (b"POST", b"/api/copy"): _copy,
    (b"POST", b"/api/create"): _create,
    (b"DELETE", b"/api/delete"): _delete,
}
