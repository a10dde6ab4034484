"""What a broken stream amounts to, from its text; and some that break, against real processes."""

import pytest
from rich.console import Console

from earthward.bench.callers import Heard
from earthward.bench.fallback import AFTER, CUTS, WORDS, Gap, is_beginning, judged, run

ALL = " ".join(f"t{number}" for number in range(WORDS))


@pytest.mark.parametrize("text", ["t1 t2", "t0 t2", "t0 t1 t1", "t0 t1 t0"])
def test_a_text_that_lacks_or_doubles_a_word_is_no_beginning(text: str) -> None:
    assert not is_beginning(text)
    assert judged("stop", [Heard(0, 200, text=text), Heard(0, 200, text=text, is_whole=True)]).wrong == 2


def test_a_text_is_whole_with_all_its_words_and_an_end() -> None:
    assert judged("stop", [Heard(0, 200, text=ALL, is_whole=True)]).whole == 1
    assert judged("stop", [Heard(0, 200, text="t0 t1", is_whole=True)]).wrong == 1
    assert judged("stop", [Heard(0, 200, text="t0 t1")]).beginnings == 1


def test_a_failure_that_nobody_made_good_does_not_hold() -> None:
    assert Gap("500", 10, 10, 0.01, 0.2).holds
    assert not Gap("500", 10, 9, 0.01, 0.2).holds
    assert not Gap("500", 10, 10, 0.01, 0.3).holds


def test_failures_are_made_good_and_streams_that_break_double_and_lose_no_word() -> None:
    gaps, (stop, held) = run(3, Console(quiet=True))
    assert all(each.served == each.runs == 3 for each in gaps)
    assert (stop.wrong, held.wrong) == (0, 0)
    assert (stop.whole, stop.beginnings) == (0, len(AFTER) * len(CUTS))
    # The first words up to the fifteenth are fewer characters than are held back.
    assert held.whole == len(AFTER) * sum(1 for cut in CUTS if cut <= 15)
