import pytest

from earthward.rollout.weights import brought_up_to, is_another

ONE = {"llama": {"a": "x"}}


@pytest.mark.parametrize(
    ("seen", "told", "another"),
    [
        ({}, ONE, False),
        (ONE, ONE, False),
        (ONE, {}, False),
        (ONE, {"llama": {}}, False),
        (ONE, {"llama": {"b": "x"}}, False),
        (ONE, {"llama": {"b": "y"}}, True),
        (ONE, {"llama": {"a": "y"}}, True),
        (ONE, {"qwen": {"a": "y"}}, False),
        ({"llama": {"a": "y", "b": "x"}}, {"llama": {"b": "y"}}, False),
    ],
)
def test_weights_that_no_host_had_by_that_name_are_others(seen, told, another):
    assert is_another(seen, told) is another


def test_who_is_away_keeps_what_it_had_and_a_model_pulled_back_is_another_one_again():
    seen = brought_up_to({"llama": {"a": "x", "b": "x"}}, {"llama": {"a": "y"}})
    assert seen == {"llama": {"a": "y", "b": "x"}}
    seen = brought_up_to(seen, {"llama": {"b": "y"}, "qwen": {"a": "q"}})
    assert seen == {"llama": {"a": "y", "b": "y"}, "qwen": {"a": "q"}}
    assert is_another(seen, ONE)
