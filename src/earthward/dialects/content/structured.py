"""Answers that were promised in a form: held to it, mended where that is easy, and asked for once more where not.

A grammar binds most engines, but not all models and runtimes heed it.
"""

import re
from typing import Any

import msgspec

from earthward.chat import Answer, ChatRequest, Choice, Message, OutputFormat, Reasoning, Role, Text, ToolCall
from earthward.dialects.json_limits import NOT_JSON

_OPENED = re.compile(r"\A\s*```[a-zA-Z]*\s*\n")
_TRUNCATED = "truncated"
_FENCED = re.compile(r"\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*", re.DOTALL)


def held_to(output: OutputFormat | None, answer: Answer, stops: tuple[str, ...] = ()) -> tuple[Answer, str | None]:
    """The answer without fences around its JSON, and what is still wrong with it; None if nothing is.

    Answers that call tools, were cut off or refused promise no form. Nor do those that are JSON broken off where the
    caller named `stops`: most servers don't say that it was one of these that ended it, and a cut that was asked for
    is no fault.
    """
    if output is None or output.kind == "text":
        return answer, None
    choices: list[Choice] = []
    wrong: str | None = None
    for choice in answer.choices:
        mended = _unfenced(choice) if _is_promised(choice) else choice
        choices.append(mended)
        if wrong is None and _is_promised(choice) and not (stops and is_broken_off(_text(mended))):
            wrong = _wrong(mended, output)
    return msgspec.structs.replace(answer, choices=tuple(choices)), wrong


def asked_again(request: ChatRequest, answer: Answer, wrong: str) -> ChatRequest:
    """The request for one more try, in which the model sees what it said and what was wrong with it."""
    said = tuple(part for part in answer.choices[0].parts if not isinstance(part, Reasoning)) if answer.choices else ()
    told = (
        f"That does not have the form that was asked for: {wrong}. Answer again, with the right JSON and nothing else."
    )
    turns = (*([Message(Role.ASSISTANT, said)] if said else ()), Message(Role.USER, (Text(told),)))
    return msgspec.structs.replace(request, messages=(*request.messages, *turns), stream=False, answers=1)


def _is_promised(choice: Choice) -> bool:
    return choice.reason in ("stop", "stop_sequence") and not any(isinstance(part, ToolCall) for part in choice.parts)


def _text(choice: Choice) -> str:
    return "".join(part.text for part in choice.parts if isinstance(part, Text))


def _wrong(choice: Choice, output: OutputFormat) -> str | None:
    text = _text(choice)
    try:
        value: Any = msgspec.json.decode(text)
    except NOT_JSON as error:
        return f"it is not JSON ({error})"
    if output.schema is not None:
        # The validator takes an eighth of all that is imported at a start, and few callers need it.
        from earthward.dialects.content.schemas import mismatch

        return mismatch(output.schema, value)
    return None if isinstance(value, dict) else "it is JSON, but not an object"


def is_broken_off(text: str) -> bool:
    """Whether it could have gone on to be JSON, between fences or not."""
    try:
        msgspec.json.decode(_OPENED.sub("", text))
    except NOT_JSON as error:
        return str(error).endswith(_TRUNCATED)
    return False


def _unfenced(choice: Choice) -> Choice:
    found = _FENCED.fullmatch(_text(choice))
    if found is None:
        return choice
    others = tuple(part for part in choice.parts if not isinstance(part, Text))
    return msgspec.structs.replace(choice, parts=(*others, Text(found[1])))
