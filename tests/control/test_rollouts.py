import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import time
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from earthward.chat.failures import FailureKind
from earthward.config.snapshot import Route
from earthward.control.rollout_files import Kept, RolloutFiles, Unreadable
from earthward.control.rollouts import LiveRollout
from earthward.control.standing import standing
from earthward.ledger.record import Record
from earthward.rollout.controller import Controller
from earthward.rollout.event import Event
from earthward.rollout.read_events import Head, Line, Order, Seen, SetBack, Tick, Tried, line
from earthward.rollout.read_plan import plan
from earthward.rollout.replay import replayed
from earthward.rollout.state import Subject
from earthward.rollout.verbs import NotNow
from earthward.rollout.worlds import requests, world
from earthward.store.quality import Later

PLAN = plan({"stages": ["5%", "25%", "100%"], "gates": ["error_rate"], "min_requests": 20, "bake": "1h"})
ROUTE = Route("trial", baseline="mini", candidate="llama")
OTHER = plan({"stages": ["10%", "100%"], "gates": ["error_rate", "truncated"], "hold": "1h"})
BATCH = 500
SMALL = 20
WHOLE = plan({"stages": ["25%", "75%", "100%"], "gates": ["error_rate"], "hold": "300s", "bake": "600s"})


def live(folder: Path, given=PLAN) -> LiveRollout:
    return LiveRollout("trial", given, RolloutFiles(folder, "trial"))


def records(rollout: LiveRollout, count: int, first: int, **fields: object) -> list[Record]:
    """As a gateway would have them, at the share of the moment, one a second."""
    state = rollout.controller.state
    chance = random.Random(first)
    made = islice(requests(world("worse", errors=0.1, **fields), chance, lambda: (state.share, 0)), count)
    return [
        Record(
            f"x{first + number}",
            (first + number) * 10**9,
            "ok" if event.ok else "failed",
            failure=None if event.ok else FailureKind.TIMEOUT,
            unit=f"{first}-{event.unit}",
            route="trial",
            arm=event.arm,
            share=event.share,
        )
        for number, event in enumerate(made)
    ]


def run(rollout: LiveRollout, batches: int, **fields: object) -> list[str]:
    moves = []
    for _ in range(batches):
        first = rollout.read_up_to
        batch = records(rollout, BATCH, first, **fields)
        moves += rollout.take(batch, first + BATCH, float(first + BATCH))
    return [it.after for it in moves]


def test_equal_arms_are_promoted_and_the_route_follows(tmp_path):
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    assert rollout.placed(ROUTE) == Route("trial", baseline="mini", candidate="llama", share=500, stage=1, epoch=1)
    moves = run(rollout, 40, by=1)
    assert moves[-2:] == ["bake 98%", "completed"]
    assert (rollout.placed(ROUTE).share, rollout.placed(ROUTE).stage) == (10_000, 3)


def test_a_failing_candidate_is_off_the_route_after_the_batch_that_shows_it(tmp_path):
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    assert run(rollout, 4, by=9) == ["rolled back"]
    assert rollout.placed(ROUTE).share == 0


def test_records_of_other_routes_say_nothing(tmp_path):
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    other = [Record("x", 1, "ok", unit="u", route="other", arm="candidate", share=500)]
    rollout.take(other, 1, 1.0)
    assert rollout.controller.state.requests == 0


def test_a_batch_told_twice_counts_once(tmp_path):
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    batch = records(rollout, BATCH, 0, by=1)
    rollout.take(batch, BATCH, 500.0)
    before = rollout.controller.findings()
    rollout.take(batch, BATCH, 500.0)
    assert rollout.controller.findings() == before


def test_what_became_known_later_is_told_too(tmp_path):
    rollout = live(tmp_path, plan({"stages": ["5%", "100%"], "gates": ["error_rate", "quality"]}))
    rollout.act("start", 0.0, "ada", "go")
    judged = [Event(1.0, "u", "candidate", 500, score=0.5, is_later=True)]
    rollout.take([], 0, 2.0, judged)
    assert rollout.controller.findings()[1].candidate == 1


def test_a_controller_killed_after_any_batch_goes_on_to_the_same_state(tmp_path):
    lives, dies = live(tmp_path / "lives"), live(tmp_path / "dies")
    for rollout in (lives, dies):
        rollout.act("start", 0.0, "ada", "go")
    for _ in range(12):
        batch = records(lives, BATCH, lives.read_up_to, by=1)
        for rollout in (lives, dies):
            rollout.take(batch, rollout.read_up_to + BATCH, float(rollout.read_up_to + BATCH))
        dies = live(tmp_path / "dies")
    assert dies.controller.state == lives.controller.state
    assert dies.history() == lives.history() != []


def test_killed_between_history_and_state_it_tells_nothing_twice(tmp_path):
    """The history is written first: what it says beyond the state is dropped, and said again by the same records."""
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    shutil.copy(tmp_path / "trial.rollout", tmp_path / "before")
    batch = records(rollout, 4 * BATCH, 0, by=9)
    rollout.take(batch, 4 * BATCH, 2000.0)
    told = rollout.history()
    (tmp_path / "before").replace(tmp_path / "trial.rollout")
    again = live(tmp_path)
    assert len(again.history()) == 1
    again.take(batch, 4 * BATCH, 2000.0)
    assert again.history() == told
    assert again.controller.state == rollout.controller.state


def test_half_a_state_is_never_read(tmp_path):
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    (tmp_path / "trial.new").write_bytes(b"half")
    assert live(tmp_path).controller.state == rollout.controller.state


@pytest.mark.parametrize("data", [b"", b"half", b"\x92\x01\xc0"])
def test_a_state_that_can_not_be_read_moves_nothing(tmp_path, data):
    (tmp_path / "trial.rollout").write_bytes(data)
    with pytest.raises(Unreadable, match="put back a copy"):
        live(tmp_path)


def test_a_refused_order_changes_nothing_on_the_disk_but_the_time(tmp_path):
    rollout = live(tmp_path)
    with pytest.raises(NotNow):
        rollout.act("resume", 5.0, "ada", "")
    assert rollout.history() == []


def test_a_changed_plan_counts_from_the_next_start(tmp_path):
    other = plan({"stages": ["10%", "100%"], "gates": ["error_rate"]})
    rollout = live(tmp_path)
    rollout.take([], 0, 0.0)
    assert live(tmp_path, other).controller.plan == other
    rollout.act("start", 1.0, "ada", "go")
    assert live(tmp_path, other).controller.plan == PLAN
    rollout.act("abort", 2.0, "ada", "")
    again = live(tmp_path, other)
    again.act("retry", 3.0, "ada", "")
    assert again.placed(ROUTE).share == 1000


def test_the_state_on_disk_is_small(tmp_path):
    """A set of failed units and a few numbers: not the requests."""
    rollout = live(tmp_path, plan({"stages": ["5%", "100%"], "gates": ["error_rate"], "hold": "30d"}))
    rollout.act("start", 0.0, "ada", "go")
    run(rollout, 40, by=1)
    assert isinstance(RolloutFiles(tmp_path, "trial").load(), Kept)
    assert (tmp_path / "trial.rollout").stat().st_size < 20_000 * 10


def told(folder: Path) -> list[Line]:
    """What is on record of it."""
    kept, files = RolloutFiles(folder, "trial").kept(), RolloutFiles(folder, "trial")
    assert kept is not None
    assert kept.recorded is not None
    return [line(it) for it in files.record.read_bytes()[: kept.recorded].splitlines()]


def replays(folder: Path, rollout: LiveRollout) -> bool:
    """Whether what is on record leads to the same moves and to the same evidence."""
    result = replayed(OTHER, told(folder), is_fixed=False)
    assert result.transitions == rollout.history()[-len(result.transitions) :]
    return Controller(result.state).findings() == rollout.controller.findings()


def lived(folder: Path) -> LiveRollout:
    """A rollout to whom everything happens that can: orders, refusals, other models, clocks, kills, other plans."""
    rollout = live(folder)
    rollout.try_out(Subject("llama", judge="j", candidate="c"), 0.0)
    rollout.act("start", 0.0, "ada", "go")
    run(rollout, 3, by=1)
    with contextlib.suppress(NotNow):
        rollout.act("retry", rollout.read_up_to + 0.5, "eve", "a slip")
    rollout.see({"llama": {"gpu": "one"}}, {}, float(rollout.read_up_to))
    rollout = live(folder)
    run(rollout, 2, by=1)
    rollout.act("pause", float(rollout.read_up_to), "ada", "lunch")
    run(rollout, 1, by=1)
    rollout.act("resume", float(rollout.read_up_to), "ada", "back")
    rollout.see({"llama": {"gpu": "two"}}, {}, float(rollout.read_up_to))
    rollout.controller.state.now += 100
    rollout.act("abort", rollout.controller.state.now, "ada", "enough")
    rollout = live(folder, OTHER)
    with contextlib.suppress(NotNow):
        rollout.act("undo", rollout.controller.state.now, "eve", "the old plan's move")
    rollout.act("retry", rollout.controller.state.now + 7200, "ada", "with another plan")
    rollout.set_back(50.0)
    rollout.take(records(rollout, BATCH, rollout.read_up_to, by=1), rollout.read_up_to + BATCH, 9000.0, latest=60.0)
    return rollout


def test_what_is_on_record_leads_to_the_same_decisions(tmp_path):
    rollout = lived(tmp_path)
    assert replays(tmp_path, rollout)
    assert {it.event for it in rollout.history()} >= {"started", "paused", "resumed", "aborted", "noted"}
    assert {type(it) for it in told(tmp_path)} == {Head, Order, Event, Tick, Tried, Seen, SetBack} - {Tried}


def test_what_is_on_record_of_a_rollout_that_is_rolled_back_does_too(tmp_path):
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    run(rollout, 4, by=9)
    assert rollout.controller.state.place.phase == "rolled back"
    assert replays(tmp_path, rollout)


def test_what_was_recorded_beyond_the_state_is_told_once(tmp_path):
    """Killed between the record and the state: the same records are told again."""
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    shutil.copy(tmp_path / "trial.rollout", tmp_path / "before")
    batch = records(rollout, BATCH, 0, by=1)
    rollout.take(batch, BATCH, 500.0)
    (tmp_path / "before").replace(tmp_path / "trial.rollout")
    again = live(tmp_path)
    again.take(batch, BATCH, 500.0)
    assert replays(tmp_path, again)
    assert sum(isinstance(it, Event) for it in told(tmp_path)) == BATCH


def test_a_record_with_a_hole_is_none_until_the_rollout_begins_anew(tmp_path):
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    run(rollout, 1, by=1)
    os.truncate(tmp_path / "trial.events.jsonl", 100)
    rollout = live(tmp_path)
    rollout.act("abort", 600.0, "ada", "x")
    assert RolloutFiles(tmp_path, "trial").kept().recorded is None
    assert live(tmp_path).unrecorded == "a part of its record was lost when the power went"
    rollout.act("retry", 8000.0, "ada", "x")
    assert rollout.unrecorded == ""
    run(rollout, 1, by=1)
    assert replays(tmp_path, rollout)
    assert told(tmp_path)[0].epoch == 1
    assert (tmp_path / "trial.events.before.jsonl").exists()


def test_a_record_that_has_become_long_ends_and_the_rollout_goes_on(tmp_path):
    rollout = LiveRollout("trial", PLAN, RolloutFiles(tmp_path, "trial"), most_recorded=20_000)
    rollout.act("start", 0.0, "ada", "go")
    assert standing(rollout).unrecorded == ""
    assert run(rollout, 40, by=1)[-1] == "completed"
    assert RolloutFiles(tmp_path, "trial").kept().recorded is None
    assert (tmp_path / "trial.events.jsonl").stat().st_size <= 20_000
    for it in (rollout, live(tmp_path)):
        assert standing(it).unrecorded.startswith("its record has reached"), "after a restart, too"


def led(folder: Path) -> multiprocessing.Process:
    process = multiprocessing.get_context("fork").Process(target=lead, args=(folder,))
    process.start()
    return process


def lead(folder: Path) -> None:
    """Until it is over, from wherever it is."""
    rollout = live(folder, WHOLE)
    if rollout.controller.state.place.phase == "pending":
        rollout.act("start", 0.0, "ada", "go")
    while rollout.controller.state.is_under_way:
        first = rollout.read_up_to
        rollout.take(records(rollout, SMALL, first, by=1), first + SMALL, float(first + SMALL))


def test_kill_9_at_random_points_leads_to_the_same_state_and_the_same_history(tmp_path):
    lead(tmp_path / "calm")
    chance, kills = random.Random(7), 0
    for _ in range(8):
        process = led(tmp_path / "killed")
        time.sleep(chance.uniform(0.0, 0.1))
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
    assert kills > 2, "most of them while it was under way"
    lead(tmp_path / "killed")
    calm, killed = (RolloutFiles(tmp_path / name, "trial") for name in ("calm", "killed"))
    assert killed.load() == calm.load()
    assert killed.history() == calm.history()
    assert [it.event for it in calm.history()][-2:] == ["baking", "completed"]


def test_another_plan_does_not_let_the_last_move_of_the_old_one_be_undone(tmp_path):
    rollout = live(tmp_path)
    rollout.act("start", 0.0, "ada", "go")
    rollout.act("promote", 1.0, "ada", "")
    rollout.act("abort", 2.0, "ada", "")
    again = live(tmp_path, plan({"stages": ["10%", "100%"], "gates": ["error_rate"]}))
    with pytest.raises(NotNow, match="no move to undo"):
        again.act("undo", 3.0, "ada", "its stage is in no plan any more")


def test_what_another_judge_said_is_left_aside(tmp_path):
    rollout = live(tmp_path, plan({"stages": ["50%", "100%"], "gates": ["error_rate", "quality"]}))
    rollout.act("start", 0.0, "ada", "go")
    rollout.try_out(Subject("llama", judge="new"), 0.0)
    said = [Event(1.0, judge, "candidate", 5000, score=0.5, is_later=True) for judge in ("old", "new")]
    rollout.hear([(number, Later(msgspec.json.encode(it), it.unit)) for number, it in enumerate(said, 1)], 2.0)
    assert rollout.controller.state.evidence["quality"].counted == {"new"}
