"""What targets can do, by what their hosts tell of their models."""

from msgspec.structs import replace

from earthward.config.snapshot import Route, Shown, Target
from earthward.routing.abilities import learned
from earthward.routing.plan import why_not

LLAMA = Target("llama", "gpus", "llama3", "local", context=8192, abilities=frozenset({"tools", "schema", "stream"}))
EYES = Shown("llama3:latest", ("completion", "tools", "vision"), ("</s>",), context=4096)
BLIND = Shown("llama3:latest", ("completion",), ("<end>",), context=131_072)
ROUTE = Route("r")


def test_a_model_that_sees_gets_images_and_one_that_does_not_is_left_out_with_the_reason() -> None:
    assert why_not(ROUTE, learned(LLAMA, [EYES]), frozenset({"images"}), "") is None
    assert why_not(ROUTE, learned(LLAMA, [BLIND]), frozenset({"images"}), "") == "can't do images, says its host"


def test_hosts_that_hold_different_models_under_one_name_are_trusted_in_what_all_of_them_tell() -> None:
    found = learned(LLAMA, [EYES, BLIND])
    assert found.shown == Shown("llama3:latest", ("completion",), ("</s>", "<end>"), context=4096)
    assert "images" not in found.abilities


def test_a_host_too_old_to_tell_changes_nothing_that_is_planned_by() -> None:
    found = learned(LLAMA, [EYES, Shown("llama3:latest", None, ("<x>",))])
    assert found.abilities == LLAMA.abilities
    assert found.shown is not None
    assert found.shown.stop == ("</s>", "<x>")


def test_what_the_configuration_states_counts_more() -> None:
    stated = replace(LLAMA, states_abilities=True, abilities=frozenset({"images", "stream"}))
    assert learned(stated, [BLIND]).abilities == stated.abilities


def test_nothing_that_is_told_is_nothing_that_is_known() -> None:
    assert learned(LLAMA, []) is LLAMA
    assert learned(learned(LLAMA, [EYES]), []).shown is None


def test_what_is_told_again_changes_nothing() -> None:
    assert learned(learned(LLAMA, [EYES]), [EYES]) == learned(LLAMA, [EYES])
