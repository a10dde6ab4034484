"""One request and what each arm answered: what checks and judges look at."""

from typing import Any, Literal

import msgspec

State = Literal["good", "bad", "not applicable"]


class Call(msgspec.Struct, frozen=True):
    """A tool call; `arguments` is JSON as the model wrote it."""

    name: str
    arguments: str = "{}"


class Said(msgspec.Struct, frozen=True):
    """What one arm answered. `refusal` is what it gave as such, where its protocol has a place for that; `finish` why
    it ended, where that is known, in the words of the ledger."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    finish: str = ""


class Case(msgspec.Struct, frozen=True):
    """`prompt` is all text that was sent, `schema` the JSON Schema that was asked for, `tools` those that were offered,
    with the schemas of their arguments; None where that is not known."""

    prompt: str
    baseline: Said
    candidate: Said
    schema: dict[str, Any] | bool | None = None
    tools: dict[str, dict[str, Any]] | None = None

    @property
    def swapped(self) -> "Case":
        """The same, with the arms' places changed."""
        return msgspec.structs.replace(self, baseline=self.candidate, candidate=self.baseline)


class Found(msgspec.Struct, frozen=True):
    """What one check says of the candidate's answer, and why where it is bad."""

    state: State
    why: str = ""


GOOD = Found("good")
NOT_APPLICABLE = Found("not applicable")


def bad(why: str) -> Found:
    return Found("bad", why)
