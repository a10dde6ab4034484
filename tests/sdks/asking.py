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
    written = {
        "openai": _openai,
        "anthropic": _anthropic,
        "ollama": _ollama,
        "responses": _responses,
        "google": _google,
    }
    return written[dialect](question)


def embedding(dialect: str, model: str, texts: Sequence[str]) -> dict[str, Any]:
    """What the SDK's method for vectors takes."""
    return {"model": model, ("contents" if dialect == "google" else "input"): list(texts)}


def counted(dialect: str, question: Question) -> dict[str, Any]:
    """What the SDK's method for counts takes: what only shapes the answer is nothing to it."""
    names = ("model", "messages", "system", "tools", "contents", "input", "instructions")
    return {name: value for name, value in request(dialect, question).items() if name in names}


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


def _responses(asked: Question) -> dict[str, Any]:
    said: Any = asked.say
    if asked.image:
        picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
        said = [{"type": "input_text", "text": asked.say}, picture]
    wanted = {"format": {"type": "json_schema", "name": "answer", "schema": asked.schema, "strict": True}}
    request = _without_nothing(
        model=asked.model,
        instructions=asked.system or None,
        input=[*_turns(asked.history), {"role": "user", "content": said}],
        tools=[
            {"type": "function", "name": name, "parameters": schema, "strict": True} for name, schema in asked.tools
        ],
        max_output_tokens=asked.most,
        temperature=asked.temperature,
        text=wanted if asked.schema else None,
        reasoning={"effort": "low", "summary": "auto"} if asked.thinks else None,
    )
    return {**request, "store": False}


def _google(asked: Question) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": asked.say}]
    if asked.image:
        parts.append({"inlineData": {"mimeType": "image/png", "data": PNG}})
    roles = {"user": "user", "assistant": "model"}
    history = [{"role": roles[role], "parts": [{"text": text}]} for role, text in asked.history]
    declared = [{"name": name, "parameters": _in_capitals(schema)} for name, schema in asked.tools]
    config = _without_nothing(
        systemInstruction=asked.system or None,
        tools=[{"functionDeclarations": declared}] if declared else None,
        stopSequences=[asked.stop] if asked.stop else None,
        maxOutputTokens=asked.most,
        temperature=asked.temperature,
        responseMimeType="application/json" if asked.schema else None,
        responseSchema=_in_capitals(asked.schema) if asked.schema else None,
        thinkingConfig={"includeThoughts": True, "thinkingBudget": 1024} if asked.thinks else None,
    )
    return {"model": asked.model, "contents": [*history, {"role": "user", "parts": parts}], "config": config}


def _in_capitals(schema: Any) -> Any:
    """As Google's own schemas are written, which know no `additionalProperties`."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: _in_capitals(value) for key, value in schema.items() if key != "additionalProperties"}
    return {**kept, "type": schema["type"].upper()} if isinstance(schema.get("type"), str) else kept


def _turns(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    return [{"role": role, "content": text} for role, text in turns]


def _without_nothing(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [], {})}
