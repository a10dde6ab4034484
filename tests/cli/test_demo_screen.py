import io

import pytest
from rich.console import Console

from earthward.chat.usage import Count, Usage
from earthward.cli.demo_figures import figures
from earthward.cli.demo_screen import Screen
from earthward.cli.demo_traffic import Answer
from earthward.config.snapshot import Price
from earthward.ledger.record import Attempt, Record

PRICE = Price(input=150_000, output=600_000, cached=75_000)


@pytest.fixture(params=["utf-8", "ascii"])
def drawn(request):
    """A screen of 80 columns, and what was drawn on it."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=request.param)
    screen = Screen(Console(file=file, width=80, highlight=False))

    def text() -> str:
        file.flush()
        return file.buffer.getvalue().decode(request.param)

    return screen, text


def record(number: int, arm: str, target: str, cost: int | None) -> Record:
    usage = Usage(*map(Count.reported, (100, 20, 0, 0)))
    attempts = (Attempt("smollm2" if arm == "candidate" else "mini", "", "", 0),)
    times = {"first_content": 400_000_000, "duration": 700_000_000}
    return Record(str(number), 0, "ok", arm=arm, target=target, usage=usage, cost=cost, attempts=attempts, **times)


def test_what_is_told_of_money_is_hedged_and_fits_the_terminal(drawn):
    screen, text = drawn
    records = [record(1, "baseline", "mini", 27_000), record(2, "candidate", "smollm2", None)]
    screen.figures(figures([*records, record(3, "candidate", "mini", 27_000)], PRICE), PRICE)
    shown = text()
    for words in ("not counted", "simulated: nobody is billed", "$0.15 in and $0.60 out", "rescued", "$0.000054"):
        assert words in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_lost_request_is_not_hidden(drawn):
    screen, text = drawn
    with screen.bars() as bars:
        answers = [Answer("candidate", "mini"), Answer("candidate", "mini", lost="reset")]
        phases = [bars.follow(name, 2, iter(answers)) for name in ("before", "meanwhile", "after")]
    screen.outcome(phases)
    assert "3 of 6 were lost." in text()
    assert "lost 1" in text()
    assert "meanwhile: reset" in text()
