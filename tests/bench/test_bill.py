import asyncio

from earthward.bench.bill import measure


def test_the_ledger_has_every_told_attempt_to_the_nano_dollar() -> None:
    result = asyncio.run(measure(80, 1))
    assert result.exact > 60
    assert (result.unequal, result.unmatched) == (0, 0)
    assert result.exact_ledger == result.exact_bill > 0
    assert result.agrees
