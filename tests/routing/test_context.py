from hypothesis import given
from hypothesis import strategies as st

from earthward.routing.context import (
    LEAST,
    MOST,
    TIERS,
    UNCAPPED,
    UNKNOWN,
    Calibration,
    Lengths,
    after,
    fits,
    is_close,
    tier,
    tokens,
    tokens_at_most,
    was_cut,
)


def taught(per_token: float, times: int, before: Calibration = UNKNOWN) -> Calibration:
    for _ in range(times):
        before = after(before, 10_000, round(10_000 / per_token))
    return before


def test_unless_it_was_taught_four_characters_are_a_token() -> None:
    assert tokens(4000, messages=0) == 1000
    assert tokens(4000, messages=3) == 1024


def test_a_models_own_counts_teach_how_long_its_tokens_are() -> None:
    chinese = taught(1.5, 60)
    assert abs(chinese.per_token - 1.5) < 0.1
    assert abs(tokens(10_000, 0, chinese) / 6667 - 1) < 0.1


def test_an_estimate_at_most_leaves_more_room_for_a_model_whose_counts_vary() -> None:
    steady, erratic = taught(4.0, 60), UNKNOWN
    for turn in range(60):
        erratic = after(erratic, 10_000, 1700 if turn % 2 else 3600)
    assert 1.1 < tokens_at_most(10_000, 0, steady) / 2500 < 1.2
    assert tokens_at_most(10_000, 0, erratic) / tokens(10_000, 0, erratic) > 1.4


def test_a_prompt_that_was_cut_off_teaches_little() -> None:
    once = after(taught(4.0, 60), 400_000, 4096)
    assert once.per_token < 4.3


def test_short_prompts_and_missing_counts_teach_nothing() -> None:
    assert after(UNKNOWN, 40, 90) == UNKNOWN
    assert after(UNKNOWN, 5000, 0) == UNKNOWN


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(-5, 10**9)), max_size=50))
def test_whatever_is_counted_the_ratio_keeps_within_its_bounds(counts) -> None:
    calibration = UNKNOWN
    for characters, counted in counts:
        calibration = after(calibration, characters, counted)
        assert LEAST * 0.5 <= calibration.per_token <= MOST
        assert 0 <= calibration.spread <= 0.5
        assert tokens_at_most(characters, 1, calibration) >= tokens(characters, 1, calibration)


def test_the_smallest_tier_that_holds_it() -> None:
    assert tier(100) == 4096
    assert tier(4096) == 4096
    assert tier(4097) == 8192
    assert tier(TIERS[-1] + 1) is None


def test_a_models_own_limit_is_the_last_tier() -> None:
    assert tier(9000, longest=10_000) == 10_000
    assert tier(10_001, longest=10_000) is None
    assert tier(100, longest=2048) == 2048


def test_what_is_not_known_has_room() -> None:
    assert fits(3000, 1000, 4096)
    assert not fits(3000, 1097, 4096)
    assert fits(10**9, 0, None)


def test_each_model_is_taught_by_its_own_counts() -> None:
    lengths = Lengths()
    for _ in range(60):
        lengths.learn("chinese", 10_000, 6_667)
    assert abs(lengths.tokens("chinese", 10_000) / 6_667 - 1) < 0.1
    assert lengths.tokens("other", 10_000) == 2_500


def test_a_prompt_was_cut_if_no_tokenizer_could_fit_it_in() -> None:
    assert was_cut(40_000, 10_000, 2_000, 4_096)
    assert not was_cut(30_000, 7_500, 2_000, 4_096), "eight characters may be a token"


def test_a_prompt_was_cut_if_it_was_thought_too_long_and_filled_the_context_to_the_brim() -> None:
    assert was_cut(24_000, 6_000, 4_090, 4_096)
    assert not was_cut(18_000, 4_500, 4_000, 4_096), "an estimate may be wrong by that"


def test_a_count_that_tells_nothing_proves_nothing() -> None:
    assert not was_cut(40_000, 10_000, 9_500, 4_096), "it was read all the same, so the context is another"
    assert not was_cut(40_000, 10_000, 0, 4_096)
    assert not was_cut(40_000, 10_000, 4_096, None)


def test_only_what_is_within_a_quarter_of_the_limit_is_too_close_to_estimate() -> None:
    assert [is_close(prompt, 1000) for prompt in (0, 749, 750, 1000, 1250, 1251)] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]


def test_room_for_an_answer_follows_the_longest_of_late() -> None:
    lengths = Lengths()
    assert lengths.answer("m") == UNCAPPED
    lengths.learn_answer("m", 100)
    assert lengths.answer("m") == UNCAPPED
    lengths.learn_answer("m", 10_000)
    assert lengths.answer("m") == 10_000
    for _ in range(100):
        lengths.learn_answer("m", 100)
    assert UNCAPPED < lengths.answer("m") < 4_000
    assert lengths.answer("other") == UNCAPPED
