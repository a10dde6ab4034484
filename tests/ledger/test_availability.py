"""What counts as failed, and how much of the error budget that leaves."""

import pytest

from earthward.chat.failures import FailureKind
from earthward.ledger.availability import OURS, Availability, Outcomes, availabilities


def found(*outcomes: Outcomes, objective: float = 0.99) -> dict[str, Availability]:
    return {f"{it.of} {it.name}": it for it in availabilities(outcomes, objective)}


def outcome(status: str, count: int, failure: str | None = None, target: str = "llama") -> Outcomes:
    return Outcomes("chat", target, status, failure, count)


def test_a_budget_is_spent_by_failures_and_overspent_below_the_objective() -> None:
    half = found(outcome("ok", 995), outcome("failed", 5, "timeout"))["route chat"]
    assert (half.requests, half.failed) == (1000, 5)
    assert half.availability == pytest.approx(0.995)
    assert half.budget_left == pytest.approx(0.5)
    assert half.is_kept
    over = found(outcome("ok", 980), outcome("failed", 20, "timeout"))["route chat"]
    assert over.budget_left == pytest.approx(-1.0)
    assert not over.is_kept


def test_what_callers_got_wrong_or_gave_up_counts_neither_way() -> None:
    others = [outcome("failed", 9, kind) for kind in FailureKind if kind not in OURS]
    whole = found(outcome("ok", 10), outcome("cancelled", 5, "client_gone"), outcome("unknown", 5), *others)
    assert (whole["route chat"].requests, whole["route chat"].failed) == (10, 0)
    assert {"bad_request", "context_length", "client_gone", "bad_key"} <= {it.failure for it in others}


def test_routes_and_targets_are_told_apart_and_a_route_counts_all_its_targets() -> None:
    told = found(
        outcome("ok", 3), outcome("failed", 1, "overloaded", target="mini"), outcome("failed", 2, "no_target", "")
    )
    assert list(told) == ["route chat", "target llama", "target mini"]
    assert [it.failed for it in told.values()] == [3, 0, 1]


def test_nothing_asked_is_nothing_told() -> None:
    assert found() == {}
    assert found(outcome("cancelled", 3)) == {}
