"""What Google's requests have to look like: its own check of a payload, before anybody asks what it means.

Both spellings of a field are taken, so that a body is brought to one first; what is the caller's own is left as it is.
"""

import re
from typing import Annotated, Any, TypeVar

import msgspec

from earthward.simulator.steps import Problem

Wire = dict[str, Any]
Body = TypeVar("Body", bound=msgspec.Struct)
_decode = msgspec.json.Decoder(Wire).decode
_CALLERS_OWN = frozenset(
    {
        *("args", "response", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "responseFormat"),
        *("labels", "properties", "$defs", "defs"),
    }
)
Int = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]


class _Shape(msgspec.Struct, rename="camel"):
    pass


class _Blob(_Shape):
    data: str = ""
    mime_type: str = ""


class _Call(_Shape):
    name: str = ""
    args: Wire | None = None


class _Part(_Shape):
    text: str | None = None
    inline_data: _Blob | None = None
    function_call: _Call | None = None
    function_response: Wire | None = None
    thought_signature: str | None = None


class _Content(_Shape):
    role: str = "user"
    parts: list[_Part] | None = None


class _Function(_Shape):
    name: str
    parameters: Wire | None = None
    parameters_json_schema: Any = None


class _Tool(_Shape):
    function_declarations: list[_Function] | None = None


class _Calling(_Shape):
    mode: str = "AUTO"
    allowed_function_names: list[str] | None = None


class _ToolConfig(_Shape):
    function_calling_config: _Calling | None = None


class Thinking(_Shape):
    include_thoughts: bool | None = None
    thinking_budget: Int | None = None


class Config(_Shape):
    candidate_count: Int | None = None
    max_output_tokens: Int | None = None
    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: Wire | None = None
    response_json_schema: Any = None
    response_logprobs: bool | None = None
    thinking_config: Thinking | None = None


class Generate(_Shape):
    contents: list[_Content] | None = None
    system_instruction: _Content | None = None
    tools: list[_Tool] | None = None
    tool_config: _ToolConfig | None = None
    generation_config: Config | None = None


class Count(Generate):
    generate_content_request: Generate | None = None


class _Width(_Shape):
    output_dimensionality: Int | None = None


class _Text(_Shape):
    text: str


class _Texts(_Shape):
    parts: list[_Text]


class Embed(_Width, kw_only=True):
    content: _Texts
    embed_content_config: _Width | None = None


class Batch(_Shape):
    requests: list[Embed]


class _Instance(_Shape):
    content: str


class Predict(_Shape):
    instances: list[_Instance]
    parameters: _Width | None = None


def camel(value: Any) -> Any:
    """The value with keys as Google spells them, but for what is the caller's own; a null is as good as nothing."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    spelt = {re.sub(r"_([a-z])", lambda found: found[1].upper(), key): inner for key, inner in value.items()}
    return {key: inner if key in _CALLERS_OWN else camel(inner) for key, inner in spelt.items() if inner is not None}


def payload(body: bytes, shape: type[Body]) -> tuple[Wire, Body] | Problem:
    """A body in one spelling, as it is and as the shape has it; or what is wrong with it."""
    try:
        wire = camel(_decode(body))
        return wire, msgspec.convert(wire, shape)
    except msgspec.ValidationError as problem:
        what, _, place = str(problem).partition(" - at `$")
        return Problem(400, f"Invalid value at '{place.rstrip('`').lstrip('.')}': {what}")
    except msgspec.DecodeError as problem:
        return Problem(400, f"Invalid JSON payload received. {problem}")
