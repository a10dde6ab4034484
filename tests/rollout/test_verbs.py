import pytest

from earthward.rollout.controller import Controller, begin
from earthward.rollout.read_plan import plan
from earthward.rollout.verbs import VERBS, NotNow

PLAN = plan({"stages": [{"shadow": "20%"}, "5%", "25%", "100%"], "gates": ["error_rate"], "hold": "1h"})


def standing(*verbs: str) -> Controller:
    controller = Controller(begin(PLAN))
    for verb in verbs:
        controller.act(verb, 0.0, "ada", "because")
    return controller


def test_of_two_who_promote_the_same_stage_one_moves_it():
    controller = standing("start", "promote")
    controller.act("promote", 1.0, "ada", "", at="stage 5%")
    with pytest.raises(NotNow, match=r"the rollout is stage 25%, not stage 5%, so nothing was done"):
        controller.act("promote", 1.0, "eve", "", at="stage 5%")
    assert controller.state.share == 2500


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_does_anything_elsewhere_than_was_said(verb):
    controller = standing("start", "promote", "pause")
    before = controller.state.history_length
    with pytest.raises(NotNow, match=r"not bake 98%"):
        controller.act(verb, 1.0, "ada", "", at="bake 98%")
    assert controller.state.history_length == before


@pytest.mark.parametrize("at", ["stage 5%", "5%", " 5 % ", "STAGE 5%", "stage 5%, paused (manual)"])
def test_a_stage_is_named_as_people_read_it(at):
    controller = standing("start", "promote", "pause")
    controller.act("promote", 1.0, "ada", "", at=at)
    assert controller.state.share == 2500


@pytest.mark.parametrize("at", ["30%", "stage 7", "-1", "nan", "\x1b[31m", "stage", "paused", "5"])
def test_a_place_that_no_rollout_of_this_plan_can_be_at_is_told_with_those_that_are(at):
    known = "shadow 20%, stage 5%, stage 25%, bake 98%, pending, completed, rolled back, aborted"
    with pytest.raises(NotNow, match=f"no place it could be at: {known}") as refusal:
        standing("start").act("promote", 1.0, "ada", "", at=at)
    assert str(refusal.value).isprintable()


def test_a_deadline_that_falls_due_before_an_order_counts_before_it():
    """The order was for the stage that was over by then."""
    given = plan({"stages": ["5%", "25%", "100%"], "gates": ["error_rate"], "timeout": "1h", "on_timeout": "rollback"})
    controller = Controller(begin(given))
    controller.act("start", 0.0, "ada", "")
    with pytest.raises(NotNow, match="is rolled back, not 5%") as refusal:
        controller.act("promote", 4000.0, "ada", "", at="5%")
    assert [it.after for it in refusal.value.moved] == ["rolled back"]


def test_refusals_say_verbs_as_they_are_typed():
    with pytest.raises(NotNow, match="possible now: pause, freeze, resume, promote, promote --full, abort, undo"):
        standing("start").act("retry", 1.0, "ada", "")
    with pytest.raises(NotNow, match=r"^promote --full is not possible"):
        standing().act("promote_full", 1.0, "ada", "")
