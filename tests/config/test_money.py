from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from earthward.config.load import money_of
from earthward.config.money import packed, unpacked
from earthward.config.problems import ConfigErrors

GOOD = """\
prices:
  - {model: "gpt-4o*", discount: 15%, since: 2026-03-01}
  - {model: claude-sonnet-4-5, input: 2.70, output: 13.50}
own_costs:
  llama: {amortisation: 0.20, idle_watts: 60, busy_watts: 420, kwh_price: 0.28, slots: 8}
budgets:
  - {name: cloud, spend: 2000, every: month, at: [80%, 100%], webhook: "https://chat.example/hook"}
  - {name: goal, savings: 500}
retention: {exchanges: 400}
"""


def load(tmp_path: Path, text: str):
    path = tmp_path / "money.yaml"
    path.write_text(text)
    return money_of(path)


def test_all_sections_are_read(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert found.overrides[0].discount == Decimal("0.15")
    assert found.overrides[0].since == date(2026, 3, 1)
    assert found.own_costs["llama"].amortisation == 200_000
    assert found.budgets[0].at == (8000, 10_000)
    assert found.budgets[1].kind == "savings"
    assert found.retention.exchanges == 400
    assert unpacked(packed(found)) == found


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("prices:\n  - {model: a, input: 1}", ":2:", "both"),
        ("prices:\n  - {model: a}", ":2:", "discount"),
        ("prices:\n  - {model: a, input: 1, output: -1}", ":2:", "output"),
        ("prices:\n  - {model: a, discount: 15, since: x}", ":2:", "percentage"),
        ("prices:\n  - {model: a, discount: 15%, since: yesterday}", ":2:", "since"),
        ("budgets:\n  - {name: a, spend: 1, savings: 1}", ":2:", "not both"),
        ("budgets:\n  - {name: a, spend: 1, every: week}", ":2:", "day, month"),
        ("own_costs:\n  a: {idle_watts: 5, busy_watts: 1}", ":2:", "busy_watts"),
        ("retention: {exchanges: 0}", ":1:", "exchanges"),
        ("pices: []", ":1:", "pices"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(tmp_path: Path, line: str, place: str, words: str) -> None:
    with pytest.raises(ConfigErrors) as refused:
        load(tmp_path, line)
    assert place in str(refused.value)
    assert words in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="can't be read"):
        money_of(tmp_path / "none.yaml")
