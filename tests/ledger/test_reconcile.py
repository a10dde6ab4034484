from earthward.ledger.reconcile import Side, reconcile

KEY = ("2026-11-01", "gpt-4o-mini")
BILL = Side(100, 1000, 500, 10_000)


def why(bill: Side | None, ledger: Side | None) -> str:
    (found,) = reconcile({KEY: bill} if bill else {}, {KEY: ledger} if ledger else {})
    return "; ".join(found.why)


def test_the_same_on_both_sides_agrees_to_half_a_percent() -> None:
    (found,) = reconcile({KEY: BILL}, {KEY: Side(100, 1000, 500, 10_040)})
    assert found.agrees
    assert found.cost == -40


def test_what_passed_by_the_gateway_is_told() -> None:
    assert "did not pass through the gateway" in why(BILL, None)
    assert "not all of it passed" in why(Side(200, 2000, 500, 20_000), BILL)


def test_what_no_bill_has_is_told() -> None:
    assert "not on the bill" in why(None, BILL)
    assert "the ledger has more" in why(BILL, Side(100, 3000, 500, 30_000))


def test_the_same_tokens_at_another_price_are_a_discount() -> None:
    assert "(-20.0 %)" in why(Side(100, 1000, 500, 8_000), BILL)


def test_unknown_costs_and_estimates_explain_a_difference() -> None:
    assert "3 attempts in the ledger have no known cost" in why(BILL, Side(100, 1000, 500, 5_000, unknown=3))
    assert "have estimates" in why(BILL, Side(100, 1000, 700, 15_000, estimated=2)).replace("has", "have")


def test_what_a_bill_does_not_tell_is_not_compared() -> None:
    assert why(Side(None, None, None, 10_000), BILL) == ""
    assert why(Side(100, 1000, 500, None), BILL) == ""
