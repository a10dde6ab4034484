"""How much a model is to think."""

from typing import Any

import pytest

from earthward.chat import ReasoningControl
from earthward.dialects.ollama import Model
from earthward.dialects.ollama.think import is_think_lost, written_think

SWITCH = Model(frozenset({"completion", "thinking"}))
LEVELS = Model(frozenset({"completion", "thinking"}), thinks_in_levels=True)
NEVER = Model(frozenset({"completion"}))
UNKNOWN = Model()


@pytest.mark.parametrize(
    ("control", "switch", "levels"),
    [
        (None, False, None),
        (ReasoningControl(), True, None),
        (ReasoningControl("none"), False, "low"),
        (ReasoningControl("minimal"), True, "low"),
        (ReasoningControl("low"), True, "low"),
        (ReasoningControl("medium"), True, "medium"),
        (ReasoningControl("high"), True, "high"),
        (ReasoningControl("xhigh"), True, "max"),
        (ReasoningControl("max"), True, "max"),
        (ReasoningControl(budget=0), False, "low"),
        (ReasoningControl(budget=-1), True, None),
        (ReasoningControl(budget=1024), True, "low"),
        (ReasoningControl(budget=8192), True, "medium"),
        (ReasoningControl(budget=8193), True, "high"),
        (ReasoningControl(show=True), True, None),
        (ReasoningControl(show=False), False, "low"),
        (ReasoningControl("high", budget=1), True, "high"),
    ],
)
def test_thinking_is_on_off_or_a_level_as_the_model_takes_it(
    control: ReasoningControl | None, switch: bool, levels: str | None
) -> None:
    assert written_think(control, SWITCH) is switch
    assert written_think(control, LEVELS) == levels


@pytest.mark.parametrize("control", [None, ReasoningControl(), ReasoningControl("high"), ReasoningControl("none")])
def test_a_model_that_cannot_think_is_not_told_to(control: Any) -> None:
    assert written_think(control, NEVER) is None


def test_of_a_model_nobody_knows_only_what_was_asked_is_said() -> None:
    assert written_think(None, UNKNOWN) is None
    assert written_think(ReasoningControl("high"), UNKNOWN) is True
    assert written_think(ReasoningControl("none"), UNKNOWN) is False


@pytest.mark.parametrize(
    ("control", "model", "lost"),
    [
        (None, SWITCH, False),
        (ReasoningControl(), SWITCH, False),
        (ReasoningControl(), NEVER, True),
        (ReasoningControl("none"), SWITCH, False),
        (ReasoningControl("none"), NEVER, False),
        (ReasoningControl("none"), LEVELS, True),
        (ReasoningControl("high"), SWITCH, True),
        (ReasoningControl("high"), NEVER, True),
        (ReasoningControl("high"), LEVELS, False),
        (ReasoningControl("minimal"), LEVELS, True),
        (ReasoningControl(budget=9), LEVELS, True),
        (ReasoningControl("high", show=False), LEVELS, True),
        (ReasoningControl("high", show=True), LEVELS, False),
        (ReasoningControl("none", show=False), SWITCH, False),
        (ReasoningControl(budget=0), SWITCH, False),
        (ReasoningControl(budget=0), LEVELS, True),
        (ReasoningControl(show=True), SWITCH, False),
        (ReasoningControl(show=True), NEVER, True),
        (ReasoningControl(show=False), SWITCH, True),
    ],
)
def test_what_is_said_only_roughly_is_a_loss(control: Any, model: Model, lost: bool) -> None:
    assert is_think_lost(control, model) is lost
