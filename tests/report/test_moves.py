from datetime import UTC, datetime

from earthward.report.figures import Day, next_step
from earthward.report.moves import moves, standings

HOUR = 3600.0
FINDINGS = [("error_rate", "fail", 1000, 10, 200, 24, None), ("quality", "no data", 0, 0, 0, 0, None)]


def row(at: float, after: str, route: str = "chat", findings=(), why: str = "as planned"):
    return (route, at, "pending", after, 500, "the plan", why, findings)


def test_moves_are_those_of_the_days_in_order() -> None:
    rows = [row(3 * HOUR, "stage 25%"), row(1 * HOUR, "stage 5%"), row(9 * HOUR, "promoted")]
    found = moves(rows, 60, 9 * 60)
    assert [it.after for it in found] == ["stage 5%", "stage 25%"]
    assert found[0].at == datetime(1970, 1, 1, 1, tzinfo=UTC)


def test_what_was_seen_is_told_with_intervals_and_nothing_seen_is_no_share() -> None:
    (found,) = moves([row(HOUR, "rolled back", findings=FINDINGS)], 0, 1440)
    errors, quality = found.evidence
    assert errors.candidate is not None
    assert errors.candidate.low < 0.12 < errors.candidate.high
    assert quality.candidate is None
    assert found.is_back


def test_where_a_rollout_stands_keeps_the_last_evidence_there_was() -> None:
    found = moves([row(HOUR, "stage 5%", findings=FINDINGS), row(2 * HOUR, "stage 5%, paused (manual)")], 0, 1440)
    (stands,) = standings(found)
    assert stands.now == "stage 5%, paused (manual)"
    assert [it.metric for it in stands.evidence] == ["error_rate", "quality"]


def test_a_rollback_is_what_to_look_at_next_and_a_pause_waits_for_somebody() -> None:
    day = Day(datetime(2026, 1, 1, tzinfo=UTC).date(), 10, 90, 0, 0, 0, 0)
    back = standings(moves([row(HOUR, "rolled back", why="error_rate fails")], 0, 1440))
    paused = standings(moves([row(HOUR, "stage 5%, paused (approval)", why="asks for approval")], 0, 1440))
    assert "chat was rolled back" in next_step([day], [], 0, 1, back)
    assert "error_rate fails" in next_step([day], [], 0, 1, back)
    assert "Decide on the rollout of chat" in next_step([day], [], 0, 1, paused)
