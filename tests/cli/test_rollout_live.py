"""What people see of a rollout at usual widths; that commands reach a gateway is shown end to end."""

import io

import pytest
from rich.console import Console

from earthward.cli import rollout_live as live

GATE = {
    "metric": "truncated",
    "role": "signal",
    "verdict": "inconclusive",
    "candidate": 12_345,
    "candidate_bad": 7,
    "baseline": 123_456,
    "baseline_bad": 75,
    "e_worse": 1.0,
    "enough_worse": 133.3,
    "e_good": 1.234,
    "enough_good": 20.0,
    "expected_s": 1290.0,
    "mean": None,
    "baseline_mean": None,
}
QUALITY = {**GATE, "metric": "quality", "mean": 0.4375, "candidate": 600, "candidate_bad": 0, "baseline": 0}
GATES = [GATE, QUALITY, {**GATE, "metric": "error_rate", "role": "guardrail", "expected_s": None}]
MOVES = [
    {"t": 1_790_000_000.0, "after": "stage 25%, paused (inconclusive)", "by": "earthward", "why": "no decision"},
]


def shown(table: object, width: int) -> str:
    screen = Console(width=width, file=io.StringIO())
    screen.print(table)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_of_a_gate_is_cut_off(width):
    text = shown(live.gates_table(GATES), width)
    assert "…" not in text
    for part in (
        "truncated (signal)",
        "inconclusive",
        "7/12,345",
        "75/123,456",
        "0.44/600",
        "1/133",
        "1.2/20",
        "21.5 min",
    ):
        assert part in text


def test_a_move_is_told_with_its_time_in_utc():
    text = shown(live.moves_table(MOVES), 120)
    assert "2026-09-21 14:13:20" in text
    assert "stage 25%, paused (inconclusive)" in text


def test_where_it_stood_before_is_told_where_it_has_moved():
    it = {"route": "chat", "place": "stage 25%", "share": 0.25, "why": "held for 1 s more", "problem": ""}
    assert live.said_of(it, "stage 5%").startswith("chat: stage 5% -> stage 25%; 25% of the traffic")
    assert live.said_of(it, "stage 25%").startswith("chat: stage 25%; 25% of the traffic")


def test_the_status_of_one_says_that_its_record_has_ended_and_why_gates_can_not_be_measured(capsys):
    it = {
        "route": "chat",
        "place": "stage 25%",
        "share": 0.25,
        "why": "held",
        "problem": "",
        "paused": "manual",
        "plan_changes": [],
        "unrecorded": "its record has reached 2 GB",
        "evidence": [{**GATE, "metric": "quality", "verdict": "error"}, {**GATE, "metric": "mine", "verdict": "error"}],
        "unmeasured": {"mine": "ValueError: boom"},
        "stages": {"set_aside": []},
        "history": [],
    }
    live._print_one(it)
    told = " ".join(capsys.readouterr().out.split())
    assert "its record has reached 2 GB" in told
    assert "mine can't be measured: ValueError: boom" in told
    assert "quality can't be measured: the judge could not be asked, or its words were no verdict" in told
