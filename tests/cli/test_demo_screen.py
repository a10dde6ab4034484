import io

import pytest
from rich.console import Console

from earthward.chat.usage import Count, Usage
from earthward.cli.demo_applications import Answer
from earthward.cli.demo_figures import figures
from earthward.cli.demo_screen import Screen
from earthward.config.snapshot import Price
from earthward.ledger.record import Attempt, Record

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
PRICES = {GPT: Price(input=150_000, output=600_000), CLAUDE: Price(input=1_000_000, output=5_000_000)}


@pytest.fixture(params=["utf-8", "ascii"])
def drawn(request):
    """A screen of 80 columns, and what was drawn on it."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=request.param)
    screen = Screen(Console(file=file, width=80, highlight=False))

    def text() -> str:
        file.flush()
        return file.buffer.getvalue().decode(request.param)

    return screen, text


def record(number: int, model: str, arm: str, target: str, cost: int | None) -> Record:
    usage = Usage(*map(Count.reported, (100, 20, 0, 0)))
    tried = dict.fromkeys(("smollm2" if arm == "candidate" else target, target))
    attempts = tuple(Attempt(name, "", "", 0) for name in tried)
    times = {"first_content": 14_400_000_000, "duration": 14_700_000_000}
    about = {"requested_model": model, "arm": arm, "target": target, "usage": usage, "cost": cost}
    return Record(str(number), 0, "ok", attempts=attempts, **about, **times)


def test_what_is_told_of_money_is_hedged_and_fits_the_terminal(drawn):
    screen, text = drawn
    records = [
        record(1, GPT, "baseline", "mini", 27_000),
        record(2, GPT, "candidate", "smollm2", None),
        record(3, GPT, "candidate", "mini", 27_000),
        record(4, CLAUDE, "candidate", "haiku", 200_000),
        record(5, CLAUDE, "candidate", "smollm2", None),
    ]
    screen.figures(figures(records, PRICES), PRICES)
    shown = " ".join(text().split())
    assert f"{GPT} $0.15 in and $0.60 out, {CLAUDE} $1.00 in and $5.00 out" in shown
    for words in ("uncounted", "hardware are not counted", "are simulated: nobody is billed", "rescued, cloud"):
        assert words in shown
    assert "all 5 0 $0.000254" in shown
    assert max(map(len, text().splitlines())) <= 80
    assert len([line for line in text().splitlines() if "." in line and "$" in line and " s " in line]) == 5, "one each"


def test_a_lost_request_is_not_hidden(drawn):
    screen, text = drawn
    with screen.bars() as bars:
        answers = [Answer("candidate", "mini"), Answer("candidate", "mini", lost="reset")]
        phases = [bars.follow(name, 2, iter(answers)) for name in ("before", "meanwhile", "after")]
    screen.outcome(phases)
    assert "3 of 6 were lost." in text()
    assert "lost 1" in text()
    assert "meanwhile: reset" in text()
