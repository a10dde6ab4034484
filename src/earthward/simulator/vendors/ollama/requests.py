"""Ollama's requests, and what becomes of them on a model: its abilities, its context, and what is cut away.

Written from Ollama's own shapes, not from our dialect: a mistake shared by both would cancel itself out.
"""

import re
from typing import Any, Literal

import msgspec

from earthward.simulator.behaviour import directive, split_model
from earthward.simulator.draft import Asked, Tool
from earthward.simulator.hardware import Hardware, LocalModel, tagged
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Problem
from earthward.simulator.text import tokens_in

Kind = Literal["chat", "generate", "embed", "embeddings"]
KINDS: dict[bytes, Kind] = {
    b"/api/chat": "chat",
    b"/api/generate": "generate",
    b"/api/embed": "embed",
    b"/api/embeddings": "embeddings",
}
# What a model is loaded with: where any of it differs, it is loaded again.
_LOADED_WITH = ("num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict")
_INTEGERS = frozenset(
    {*_LOADED_WITH, "num_ctx", "num_predict", "num_keep", "top_k", "repeat_last_n", "seed"} - {"use_mmap"}
)
_NUMBERS = frozenset({"temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty"})
_EFFORTS = frozenset({"low", "medium", "high", "max"})
_IMAGE_TOKENS = 768
_MESSAGE_TOKENS = 4
_KEPT = 16
"""Bytes that stay in front of a prompt whose middle is cut out: four tokens, as `num_keep` is by default."""
CAN_REFUSE_TO_CUT = (0, 12, 4)
"""Since this version `truncate` and `shift` are heard; before it, fields of these names are as unknown as any."""
TELLS_OF_CACHE = (0, 34)
"""Since about this version answers tell how much of a prompt was in the cache."""
_INPUTS = 2048
"""Texts in one request for embeddings. Ollama itself takes any number, and takes its time."""
_LEAST_CONTEXT = 4
_FOR_EVER = 100 * 365 * 86_400.0
"""Seconds that a model can be kept at most; past that, dates have no more years."""
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class _Function(msgspec.Struct):
    name: str = ""
    parameters: Any = None


class _Tool(msgspec.Struct):
    function: _Function


class _Message(msgspec.Struct):
    role: str = ""
    content: str | None = None
    images: list[str] | None = None
    tool_calls: list[Any] | None = None


class _Body(msgspec.Struct):
    model: str = ""
    messages: list[_Message] | None = None
    prompt: str | None = None
    system: str | None = None
    suffix: str | None = None
    images: list[str] | None = None
    input: str | list[str] | None = None
    stream: bool | None = None
    format: Any = None
    keep_alive: float | str | None = None
    options: dict[str, Any] | None = None
    think: bool | str | None = None
    truncate: bool | None = None
    shift: bool | None = None
    tools: list[_Tool] | None = None
    dimensions: int | None = None
    raw: bool | None = None


class Turn(msgspec.Struct, frozen=True):
    """A message as the model reads it; `tokens` are its length."""

    role: str
    text: bytes
    tokens: int


class Wants(msgspec.Struct, frozen=True):
    """What only Ollama asks for. `context` and `prompt` are known once the model is; `loaded_with` forces a reload."""

    kind: Kind
    turns: tuple[Turn, ...] = ()
    inputs: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    keep_alive: float | None = None
    truncate: bool = True
    shift: bool = True
    thinks: bool | None = None
    raw: bool = False
    insert: bool = False
    dimensions: int | None = None
    context: int = 0
    prompt: bytes = b""
    loaded_with: tuple[object, ...] = ()
    tells_of_cache: bool = False

    @property
    def only_loads(self) -> bool:
        return not self.turns and not self.inputs


_decode = msgspec.json.Decoder(_Body).decode


def read(path: bytes, body: bytes, digest: str) -> Asked | Problem:
    if not body:
        return Problem(400, "missing request body")
    try:
        read = _decode(body)
        keep_alive = _kept(read.keep_alive)
    except msgspec.ValidationError as problem:
        return Problem(400, f"json: cannot unmarshal into Go value: {problem}")
    except (msgspec.DecodeError, ValueError) as problem:
        return Problem(400, str(problem))
    for wrong in (_wrong_think(read.think), wrong_option(read.options or {}), _wrong_input(read.input)):
        if wrong:
            return Problem(400, wrong)
    return _asked(KINDS[path], read, keep_alive, digest)


def _kept(written: float | str | None) -> float | None:
    seconds = _seconds(written)
    return None if seconds is None else min(seconds, _FOR_EVER)


def _seconds(written: float | str | None) -> float | None:
    """`5m`, `1h30m`, `300` or `-1` in seconds. Raises ValueError."""
    if written is None or isinstance(written, int | float):
        return written
    sign, text = (-1, written[1:]) if written.startswith("-") else (1, written)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if text.isdecimal():
        return sign * float(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'time: invalid duration "{written}"')
    return sign * sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _wrong_think(think: bool | str | None) -> str | None:
    if isinstance(think, str) and think not in _EFFORTS:
        return f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or false)'
    return None


def _wrong_input(given: str | list[str] | None) -> str | None:
    if isinstance(given, list) and len(given) > _INPUTS:
        return f"input has {len(given)} texts, and may have {_INPUTS}"
    return None


def wrong_option(options: dict[str, Any]) -> str | None:
    for name, value in options.items():
        if name == "stop" and not isinstance(value, list):
            return 'option "stop" must be of type array'
        if name == "stop" and not all(isinstance(each, str) for each in value):
            return 'option "stop" must be of an array of strings'
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in _INTEGERS and not (number and value == int(value)):
            return f'option "{name}" must be of type integer'
        if name in _NUMBERS and not number:
            return f'option "{name}" must be of type float32'
    return None


def _asked(kind: Kind, read: _Body, keep_alive: float | None, digest: str) -> Asked:
    model, in_model = split_model(read.model)
    turns = _turns(kind, read)
    inputs = tuple([read.input] if isinstance(read.input, str) else read.input or ())
    if kind == "embeddings":
        inputs, turns = ((read.prompt,) if read.prompt else ()), ()
    options = read.options or {}
    images = sum(len(message.images or ()) for message in read.messages or ()) + len(read.images or ())
    return Asked(
        model=model,
        digest=digest,
        directives=(in_model, directive(_last_words(kind, read))),
        stream=read.stream is not False and kind in ("chat", "generate"),
        max_tokens=None if "num_predict" not in options else int(options["num_predict"]),
        input=0,
        images=images,
        tools=tuple(Tool(tool.function.name, tool.function.parameters) for tool in read.tools or ()),
        schema=_schema(read.format),
        stop=_stops(options),
        own=Wants(
            kind=kind,
            turns=turns,
            inputs=inputs if kind in ("embed", "embeddings") else (),
            options=options,
            keep_alive=keep_alive,
            truncate=read.truncate is not False,
            shift=read.shift is not False,
            thinks=None if read.think is None else read.think is not False,
            raw=bool(read.raw),
            insert=bool(read.suffix),
            dimensions=read.dimensions,
        ),
    )


def _schema(wanted: Any) -> Any:
    return wanted if isinstance(wanted, dict) else {} if wanted == "json" else None


def _last_words(kind: Kind, read: _Body) -> str:
    if kind != "chat":
        return read.prompt or (read.input if isinstance(read.input, str) else " ".join(read.input or ()))
    return next((each.content or "" for each in reversed(read.messages or ()) if each.role == "user"), "")


def _turns(kind: Kind, read: _Body) -> tuple[Turn, ...]:
    if kind == "chat":
        return tuple(_turn(each.role, each.content or "", each.images, each.tool_calls) for each in read.messages or ())
    if not read.prompt:
        return ()
    before = (_turn("system", read.system, None, None),) if read.system else ()
    return (*before, _turn("user", read.prompt, read.images, None))


def _turn(role: str, content: str, images: list[str] | None, calls: list[Any] | None) -> Turn:
    said = content + (msgspec.json.encode(calls).decode() if calls else "")
    tokens = tokens_in(said) + len(images or ()) * _IMAGE_TOKENS + _MESSAGE_TOKENS
    return Turn(role.lower(), rendered(role.lower(), said), tokens)


def rendered(role: str, said: str) -> bytes:
    return f"<|{role}|>\n{said}\n".encode("utf-8", "surrogatepass")


# -- the request on a model


def find(offer: Offer, name: str) -> Model | None:
    """A model on the machine's disk, or one of the cloud, which needs not be there."""
    local = offer.machine.models.get(tagged(name))
    if local is None and not is_cloud(name):
        return None
    return Model(name, name, local.context if local else 262_144, "0", "0", "0", "ollama", facts=local)


def is_cloud(name: str) -> bool:
    return name.endswith((":cloud", "-cloud"))


def no_model(name: str) -> Problem:
    return Problem(404, f"model '{name}' not found")


def fits(asked: Asked, model: Model, offer: Offer) -> Asked | Problem:
    """The request as the model will see it: what does not fit its context is cut away unless that is forbidden."""
    local: LocalModel | None = model.facts
    if local is None:
        return _in_the_cloud(asked, offer.machine.hardware)
    wants: Wants = asked.own
    if _is_before(offer.machine.hardware.version, CAN_REFUSE_TO_CUT):
        wants = msgspec.structs.replace(wants, truncate=True, shift=True)
    if problem := _unable(asked, wants, local):
        return problem
    options = local.options | wants.options
    wanted = int(options.get("num_ctx") or offer.machine.hardware.usual_context)
    context = min(max(wanted, _LEAST_CONTEXT), local.context)
    wants = msgspec.structs.replace(
        wants,
        context=context,
        loaded_with=(*(options.get(name) for name in _LOADED_WITH), wants.shift),
        tells_of_cache=not _is_before(offer.machine.hardware.version, TELLS_OF_CACHE),
    )
    thinks = wants.thinks is not False and "thinking" in local.capabilities
    asked = msgspec.structs.replace(asked, thinks=thinks, stop=_stops(options))
    if wants.only_loads:
        return msgspec.structs.replace(asked, own=wants, max_tokens=0, tools=(), thinks=False)
    if wants.inputs:
        return _embedded(asked, wants, options.get("num_batch"))
    return _prompted(asked, wants, local, options)


def _stops(options: dict[str, Any]) -> tuple[str, ...]:
    """A request's own list takes the place of the model's."""
    stop = options.get("stop") or []
    return tuple([stop] if isinstance(stop, str) else stop)


def _is_before(version: str, other: tuple[int, ...]) -> bool:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < other


def _in_the_cloud(asked: Asked, hardware: Hardware) -> Asked | Problem:
    if hardware.cloud == "off":
        return Problem(403, "ollama cloud is disabled: remote inference is unavailable")
    if hardware.cloud == "signed_out":
        return Problem(401, "unauthorized")
    wants: Wants = asked.own
    predict = asked.max_tokens if asked.max_tokens and asked.max_tokens > 0 else None
    tokens = sum(turn.tokens for turn in wants.turns)
    return msgspec.structs.replace(asked, input=tokens, max_tokens=predict, thinks=bool(wants.thinks))


def _unable(asked: Asked, wants: Wants, local: LocalModel) -> Problem | None:
    needed = {
        "chat": wants.kind == "chat",
        "generate": wants.kind == "generate",
        "tools": bool(asked.tools),
        "thinking": wants.thinks is True,
        "vision": bool(asked.images),
        "insert": wants.insert,
    }
    for ability, is_needed in needed.items():
        has = "completion" if ability in ("chat", "generate") else ability
        if is_needed and has not in local.capabilities:
            return Problem(400, f'"{asked.model}" does not support {ability}')
    return None


def _embedded(asked: Asked, wants: Wants, batch: int | None) -> Asked | Problem:
    """A text has to fit into one batch, too, whether it may be cut or not."""
    lengths = [tokens_in(text) + 2 for text in wants.inputs]
    if max(lengths) > wants.context and not wants.truncate:
        return Problem(400, "the input length exceeds the context length")
    longest = min(max(lengths), wants.context)
    if batch is not None and longest > batch:
        said = f"input ({longest} tokens) is too large to process. increase the physical batch size"
        return Problem(400, f"{said} (current batch size: {batch})")
    tokens = sum(min(length, wants.context) for length in lengths)
    prompt = "\n".join(wants.inputs).encode("utf-8", "surrogatepass")
    own = msgspec.structs.replace(wants, prompt=prompt or b"\n")
    return msgspec.structs.replace(asked, own=own, input=tokens, max_tokens=0, tools=(), thinks=False)


def _prompted(asked: Asked, wants: Wants, local: LocalModel, options: dict[str, Any]) -> Asked | Problem:
    turns = (*(_turn(role, text, None, None) for role, text in local.messages), *wants.turns)
    if local.system and wants.turns[0].role != "system":
        turns = (_turn("system", local.system, None, None), *turns)
    tools = msgspec.json.encode([each.parameters for each in asked.tools]) if asked.tools else b""
    overhead = len(tools) // 4
    whole = overhead + sum(turn.tokens for turn in turns)
    if whole > wants.context and not wants.truncate:
        return _exceeded(whole, wants.context)
    turns = _newest(turns, wants.context - overhead)
    tokens = overhead + sum(turn.tokens for turn in turns)
    prompt = tools + b"".join(turn.text for turn in turns)
    if tokens > wants.context:
        if not local.renders or not wants.shift:
            return _exceeded(tokens, wants.context)
        tokens, prompt = wants.context, prompt[:_KEPT] + prompt[_KEPT - wants.context * 4 :]
    return msgspec.structs.replace(
        asked,
        input=tokens,
        max_tokens=_most(options.get("num_predict"), wants, tokens),
        own=msgspec.structs.replace(wants, prompt=prompt),
    )


def _newest(turns: tuple[Turn, ...], room: int) -> tuple[Turn, ...]:
    """Without the oldest that are no system messages, as many as it takes; the last stays whatever its length."""
    used, kept = sum(turn.tokens for turn in turns), []
    for turn in turns[:-1]:
        if used > room and turn.role != "system":
            used -= turn.tokens
        else:
            kept.append(turn)
    return (*kept, *turns[-1:])


def _most(predict: Any, wants: Wants, tokens: int) -> int:
    """Tokens of an answer at most. Without context shift it ends where the context does."""
    bounded = 10 * wants.context
    most = bounded if predict is None or predict < 0 else min(int(predict), bounded)
    return most if wants.shift else min(most, max(1, wants.context - tokens))


def _exceeded(tokens: int, context: int) -> Problem:
    """llama.cpp's own error, as text within Ollama's."""
    said = f"request ({tokens} tokens) exceeds the available context size ({context} tokens), try increasing it"
    error = {
        "code": 400,
        "message": said,
        "type": "exceed_context_size_error",
        "n_prompt_tokens": tokens,
        "n_ctx": context,
    }
    return Problem(400, msgspec.json.encode({"error": error}).decode())
