"""The same question in the words of each SDK's dialect."""

from collections.abc import Sequence
from typing import Any, NamedTuple

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""One pixel."""

Turn = tuple[str, str]


class Question(NamedTuple):
    """`history` is of (role, text) before `say`; `most` tokens are wanted at most; `schema` is a JSON Schema."""

    say: str
    model: str = ""
    system: str = ""
    history: Sequence[Turn] = ()
    tools: Sequence[tuple[str, dict[str, Any]]] = ()
    image: bool = False
    stop: str = ""
    schema: Any = None
    most: int | None = None
    thinks: bool = False
    temperature: float | None = None


def request(dialect: str, question: Question) -> dict[str, Any]:
    """What the SDK's method takes."""
    return {"openai": _openai, "anthropic": _anthropic, "ollama": _ollama}[dialect](question)


def _openai(asked: Question) -> dict[str, Any]:
    said: Any = asked.say
    if asked.image:
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        said = [{"type": "text", "text": asked.say}, picture]
    system = [("system", asked.system)] if asked.system else []
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": asked.schema}}
    return _without_nothing(
        model=asked.model,
        messages=[*_turns([*system, *asked.history]), {"role": "user", "content": said}],
        tools=[
            {"type": "function", "function": {"name": name, "parameters": schema, "strict": True}}
            for name, schema in asked.tools
        ],
        stop=[asked.stop] if asked.stop else None,
        max_tokens=asked.most,
        temperature=asked.temperature,
        response_format=wanted if asked.schema else None,
        reasoning_effort="low" if asked.thinks else None,
    )


def _anthropic(asked: Question) -> dict[str, Any]:
    said: Any = asked.say
    if asked.image:
        picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
        said = [picture, {"type": "text", "text": asked.say}]
    return _without_nothing(
        model=asked.model,
        messages=[*_turns(asked.history), {"role": "user", "content": said}],
        max_tokens=asked.most or (2048 if asked.thinks else 512),
        system=asked.system or None,
        temperature=asked.temperature,
        tools=[{"name": name, "input_schema": schema} for name, schema in asked.tools],
        stop_sequences=[asked.stop] if asked.stop else None,
        output_config={"format": {"type": "json_schema", "schema": asked.schema}} if asked.schema else None,
        thinking={"type": "enabled", "budget_tokens": 1024} if asked.thinks else None,
    )


def _ollama(asked: Question) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "user", "content": asked.say}
    if asked.image:
        said["images"] = [PNG]
    system = [("system", asked.system)] if asked.system else []
    options = _without_nothing(
        num_predict=asked.most, stop=[asked.stop] if asked.stop else None, temperature=asked.temperature
    )
    return _without_nothing(
        model=asked.model,
        messages=[*_turns([*system, *asked.history]), said],
        tools=[{"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in asked.tools],
        format=asked.schema,
        think=True if asked.thinks else None,
        options=options,
    )


def _turns(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    return [{"role": role, "content": text} for role, text in turns]


def _without_nothing(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [], {})}
