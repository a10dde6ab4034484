"""One request and what each arm answered: what checks and judges look at."""

from typing import Any, Literal

import msgspec

State = Literal["good", "bad", "not applicable"]


class Call(msgspec.Struct, frozen=True):
    """A tool call; `arguments` is JSON as the model wrote it."""

    name: str
    arguments: str = "{}"


class Said(msgspec.Struct, frozen=True):
    """What one arm answered. `refusal` is what it gave as such, where its protocol has a place for that."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""


class Case(msgspec.Struct, frozen=True):
    """`prompt` is all text that was sent, `schema` the JSON Schema that was asked for."""

    prompt: str
    baseline: Said
    candidate: Said
    schema: dict[str, Any] | bool | None = None


class Found(msgspec.Struct, frozen=True):
    """What one check says of the candidate's answer, and why where it is bad."""

    state: State
    why: str = ""


GOOD = Found("good")
NOT_APPLICABLE = Found("not applicable")


def bad(why: str) -> Found:
    return Found("bad", why)
