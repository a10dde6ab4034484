"""One migration from its start to its end, under one scenario."""

import random
import time
from functools import partial
from pathlib import Path

from earthward.bench.migration.figures import Came, Row, decided_at, flaps, lag
from earthward.bench.migration.spoiler import Harm
from earthward.bench.migration.stage import Stage, until

CALLERS = 6
LONGEST = 240.0
"""Seconds for a whole migration."""
GOOD_FOR = 40
"""Requests of the candidate before it breaks."""
SCENARIOS: dict[str, Harm] = {
    "parity": "none",
    "killed": "none",
    "fails": "fails",
    "slow": "slow",
    "cut": "cut",
    "worse": "worse",
}
CAUSES: dict[Harm, str] = {"fails": "error_rate", "slow": "ttft", "cut": "truncated", "worse": "quality"}
"""What each harm is rolled back for."""
WHOLE_WAY = ("stage 5%", "stage 25%", "stage 75%", "promoted", "bake 95%", "completed")
KILL_EVERY = (0.5, 3.0)
"""Seconds for which the controller is left alone before it is killed, at random."""
MOST_KILLS = 8


def played(scenario: str, folder: Path, seed: int = 1, callers: int = CALLERS) -> Came:
    """Plays it. Raises TimeoutError where it comes to no end."""
    harm = SCENARIOS[scenario]
    with Stage(folder, is_judged=scenario == "worse") as stage, stage.traffic(callers) as asking:
        began = time.time()
        until(lambda: asking.answered > callers, "answers")
        stage.say("start")
        broke = float("inf")
        if harm != "none":
            until(lambda: _on_candidate(stage.rows()) >= GOOD_FOR, "traffic on the candidate", LONGEST, 0.2)
            stage.spoiler.harm, broke = harm, time.time()
        kills = _end_of(stage, killing=random.Random(seed) if scenario == "killed" else None)
        took = time.time() - began
        enough = asking.answered + callers
        until(lambda: asking.answered > enough, "traffic afterwards", LONGEST)
        asking.stop()
        until(lambda: len(stage.rows()) >= asking.answered, "all records")
        told = stage.rollout()
        history = told["history"]
        moves = sum(it["event"] != "baking" for it in history)
        until(lambda: len(stage.hook.heard) >= moves, "the hook to hear it all")
        rows = stage.rows()
        is_back = told["phase"] == "rolled back"
        decided = decided_at(rows, history[-1]["t"]) if is_back else float("inf")
        return Came(
            scenario,
            told["phase"],
            history[-1]["why"],
            tuple(it["after"] for it in history),
            len(rows),
            _on_candidate(rows),
            took,
            flaps(rows, decided),
            asking.unanswered,
            kills,
            sum(it.arm == "candidate" and it.accepted >= broke for it in rows) if is_back else None,
            lag(rows, decided) if is_back else None,
            len(stage.hook.heard),
            moves,
            history[-1]["by"],
        )


def _end_of(stage: Stage, killing: random.Random | None) -> int:
    """Waits until it is over; with `killing`, kills the controller again and again. How often it did."""
    kills = 0
    while killing is not None and kills < MOST_KILLS:
        until(stage.place, "the controller to be back")
        try:
            until(partial(_is_over, stage), "the end", killing.uniform(*KILL_EVERY))
            break
        except TimeoutError:
            stage.kill_control()
            kills += 1
    until(partial(_is_over, stage), "the end of the rollout", LONGEST)
    return kills


def _is_over(stage: Stage) -> bool:
    return stage.place() in ("completed", "rolled back")


def _on_candidate(rows: list[Row]) -> int:
    return sum(it.arm == "candidate" for it in rows)
