import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, insert

from earthward.chat.failures import FailureKind
from earthward.config.snapshot import OwnMetric, Route, Snapshot, Target
from earthward.control.rollout_routes import NoRollout, Rollouts
from earthward.control.standing import unplaced
from earthward.fleet.found import Probed
from earthward.ledger.record import Record
from earthward.rollout.read_plan import plan
from earthward.rollout.verbs import NotNow
from earthward.routing.balance.standing import Report
from earthward.store.fresh import Stored
from earthward.store.rows import row_of
from earthward.store.tables import RECORD, exchanges
from earthward.store.tables import open as open_store
from harness import until

PLAN = plan({"stages": ["25%", "100%"], "gates": ["error_rate"], "min_requests": 20, "bake": "1h", "cooldown": "1h"})
HELD = plan({"stages": ["25%", "100%"], "gates": [{"error_rate": {"negligible": "20%"}}], "hold": "1h"})
OTHER = plan({"stages": ["50%", "100%"], "gates": ["error_rate"]})


def snapshot(given=PLAN, model: str = "llama", **fields: object) -> Snapshot:
    route = Route("trial", baseline="mini", candidate="llama", plan=msgspec.msgpack.encode(given) if given else b"")
    targets = (Target("mini", "cloud", "mini", "cloud"), Target("llama", "house", model, "local"))
    return Snapshot("abc", "d", (), targets, (msgspec.structs.replace(route, **fields),))


class World:
    """A store that fills, a clock that runs with it, and the rollouts that read it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.now = 0.0
        self.stored = 0
        self.moved: list[str] = []
        self.begin()

    def begin(self, found: Snapshot | None = None) -> None:
        """As after a kill, with that snapshot on the disk."""
        self.rollouts = Rollouts(self.folder, lambda: self.moved.append(self.place), lambda: self.now)
        self.rollouts.take_over(found or snapshot())

    @property
    def place(self) -> str:
        return self.rollouts.standings["trial"].place if "trial" in self.rollouts.standings else ""

    @property
    def route(self) -> Route:
        return self.rollouts.placed(snapshot()).routes[0]

    def act(self, verb, why="because") -> None:
        self.rollouts.act("trial", verb, "ada", why, self.engine)

    def ask(self, number: int, *, failing: float = 0.0, told: bool = False, ahead: float = 0.0) -> None:
        """So many requests, one a second, whose candidate fails in this part, by a clock that is so far ahead.

        With `told` the rollouts hear of them, and the store doesn't know of any failure.
        """
        chance = random.Random(self.stored)
        share = self.route.share
        after, records = self.stored, []
        for _ in range(number):
            self.now += 1
            self.stored += 1
            arm = "candidate" if chance.random() * 10_000 < share else "baseline"
            bad = arm == "candidate" and chance.random() < failing
            failure = FailureKind.TIMEOUT if bad else None
            who = {"unit": f"u{self.stored}", "route": "trial", "arm": arm, "share": share, "failure": failure}
            at = int((self.now + ahead) * 1e9)
            records.append(Record(f"x{self.stored}", at, "failed" if bad else "ok", **who))
        if told:
            self.rollouts.hear(Stored(records, after))
            records = [msgspec.structs.replace(it, status="ok", failure=None) for it in records]
        with self.engine.begin() as connection:
            names = [column.name for column in RECORD]
            connection.execute(insert(exchanges), [dict(zip(names, row_of(it), strict=True)) for it in records])
        self.rollouts.take(self.engine)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    engine = open_store(f"sqlite:///{tmp_path}/store.db")
    yield World(engine, tmp_path / "rollouts")
    engine.dispose()


def test_nothing_moves_until_somebody_starts_it(world):
    world.ask(500)
    assert (world.place, world.route.share) == ("pending", 0)


def test_a_healthy_candidate_is_promoted_stage_by_stage_and_the_version_tells_each_move(world):
    world.act("start")
    assert (world.route.share, world.route.stage, world.route.epoch) == (2500, 1, 1)
    versions = {world.rollouts.placed(snapshot()).version}
    while world.place != "completed":
        world.ask(500)
        versions.add(world.rollouts.placed(snapshot()).version)
    assert (world.route.share, world.route.stage) == (10_000, 2)
    assert len(versions) == 3
    assert {unplaced(f"{version}+local") for version in versions} == {"abc"}


def test_a_candidate_that_fails_is_rolled_back_by_the_batch_that_shows_it(world):
    world.act("start")
    world.ask(500)
    world.ask(500, failing=0.5)
    assert (world.place, world.route.share) == ("rolled back", 0)
    assert world.moved[-1] == "rolled back"


def test_what_it_heard_of_is_not_read_back_and_what_it_did_not_hear_of_is(world):
    world.act("start")
    world.ask(500)
    world.ask(10, told=True)
    world.ask(10)
    world.ask(500, failing=0.5, told=True)
    assert (world.place, world.route.share) == ("rolled back", 0)


def test_what_it_heard_before_the_start_says_nothing(world):
    world.ask(500, told=True)
    world.act("start")
    world.ask(10, told=True)
    (evidence,) = world.rollouts.told("trial")["evidence"]
    assert evidence.baseline + evidence.candidate == 10


def test_what_was_asked_before_the_start_says_nothing(world):
    world.ask(500, failing=1.0)
    world.act("start")
    world.ask(10)
    (evidence,) = world.rollouts.told("trial")["evidence"]
    assert evidence.baseline + evidence.candidate == 10


def test_killed_anywhere_it_goes_on_where_it_was_and_reads_nothing_twice(world):
    world.act("start")
    for _ in range(4):
        world.ask(40)
        before = world.rollouts.told("trial")
        world.begin()
        world.rollouts.take(world.engine)
        assert world.rollouts.told("trial") == before


def test_exchanges_that_a_rollout_has_not_read_are_still_needed(world):
    assert world.rollouts.needed_from() is None
    world.ask(30)
    world.act("start")
    assert world.rollouts.needed_from() == 30
    world.ask(12)
    assert world.rollouts.needed_from() == 42


def test_a_configuration_with_the_same_plan_lets_it_go_on_and_another_plan_counts_from_the_next_start(world):
    world.act("start")
    world.rollouts.take_over(snapshot(buffer=10))
    assert world.place == "stage 25%"
    assert world.rollouts.standings["trial"].plan_changes == ()
    world.rollouts.take_over(snapshot(OTHER))
    assert world.place == "stage 25%"
    assert "stages[0].share: 25% -> 50%" in world.rollouts.standings["trial"].plan_changes
    world.act("abort")
    world.now += 7200
    world.rollouts.take_over(snapshot(OTHER, buffer=1))
    world.act("retry")
    assert world.place == "stage 50%"
    assert (world.rollouts.standings["trial"].plan_changes, world.rollouts.standings["trial"].plan_since) == ((), 7200)


def test_another_model_on_the_candidate_begins_anew_with_fresh_evidence(world):
    world.act("start")
    world.ask(100)
    world.rollouts.take_over(snapshot(model="qwen"))
    assert (world.route.epoch, world.route.stage) == (2, 1)
    (evidence,) = world.rollouts.told("trial")["evidence"]
    assert evidence.baseline + evidence.candidate == 0


def hosts(**digests: str) -> tuple[Probed, ...]:
    known = ("llama:latest", "other:latest")
    return tuple(
        Probed("house", url, Report(0.0, digests=tuple((name, digest) for name in known)))
        for url, digest in digests.items()
    )


def test_a_model_that_is_pulled_anew_begins_anew_though_its_name_is_the_same(world):
    world.act("start")
    world.rollouts.hear_of_hosts(hosts(one="a", two="a"))
    world.ask(100)
    world.rollouts.hear_of_hosts(hosts(one="a"))
    world.ask(1)
    assert world.route.epoch == 1
    world.begin()
    world.rollouts.hear_of_hosts(hosts(one="a", two="b"))
    world.ask(1)
    assert (world.route.epoch, world.route.stage) == (2, 1), "what it was is known across a kill"
    world.rollouts.hear_of_hosts(hosts(one="b", two="b"))
    world.ask(1)
    assert world.route.epoch == 2


def test_another_way_of_telling_a_model_of_tools_begins_anew(world):
    world.act("start")
    world.ask(10)
    (mini, llama) = snapshot().targets
    told = msgspec.structs.replace(snapshot(), targets=(mini, msgspec.structs.replace(llama, tools="words")))
    world.rollouts.take_over(told)
    assert world.route.epoch == 2


def test_a_candidate_that_fails_is_rolled_back_though_the_clock_was_set_back_after_the_start(world):
    world.now = 86_400.0
    world.act("start")
    world.ask(40)
    world.now = 5.0
    world.ask(400, failing=1.0)
    assert world.place == "rolled back"
    history = world.rollouts.told("trial")["history"]
    assert "the clock was set back by" in history[1].why
    with pytest.raises(NotNow, match="cools down"):
        world.act("retry")


def test_a_clock_that_is_set_back_after_the_end_does_not_make_a_cooldown_longer(world):
    world.now = 1e6
    world.act("start")
    world.ask(200, failing=1.0)
    assert world.place == "rolled back"
    world.now = 5.0
    with pytest.raises(NotNow, match=r"cools down for 3[0-9]{3} s more"):
        world.act("retry")
    world.now += 3700
    world.act("retry")


def test_a_replica_whose_clock_is_ahead_takes_no_time_along(world):
    world.begin(snapshot(HELD))
    world.act("start")
    world.ask(2000, ahead=7200.0)
    assert world.place == "stage 25%"


def test_a_route_without_its_rollout_is_left_as_the_configuration_has_it(world):
    world.act("start")
    by_hand = snapshot(None, share=700)
    world.rollouts.take_over(by_hand)
    assert world.rollouts.placed(by_hand) == by_hand
    with pytest.raises(NoRollout, match="those that have one: none"):
        world.act("abort")


def test_a_state_that_can_not_be_read_leaves_the_route_as_it_is_and_says_so(world):
    world.act("start")
    file = world.folder / "trial.rollout"
    whole = file.read_bytes()
    file.write_bytes(b"half")
    stays = snapshot(share=2500, stage=1, epoch=1)
    world.begin(stays)
    assert world.rollouts.placed(stays).routes == stays.routes
    with pytest.raises(NoRollout, match="put back a copy"):
        world.act("abort")
    file.write_bytes(whole)
    world.now += 2
    world.rollouts.take(world.engine)
    assert world.rollouts.standings["trial"].problem == ""
    assert world.place == "stage 25%"


def test_a_plan_that_can_not_be_read_moves_nothing(world):
    strange = snapshot(plan=b"\x91\x01", share=300)
    world.rollouts.take_over(strange)
    assert world.rollouts.placed(strange).routes[0].share == 0, "where the rollout last stood"
    assert world.rollouts.standings["trial"].problem


def test_what_makes_no_sense_now_is_refused_with_what_does(world):
    with pytest.raises(NotNow, match="possible now: start, abort"):
        world.act("promote")


def test_with_the_store_away_it_can_be_ended_but_not_begun(world):
    with pytest.raises(NoRollout, match="store is not open"):
        world.rollouts.act("trial", "start", "ada", "go", None)
    world.act("start")
    world.rollouts.act("trial", "abort", "ada", "enough", None)
    assert world.route.share == 0


WAITING = """
import os, time
def is_bad(exchange):
    open({began!r}, "a").close()
    while not os.path.exists({free!r}):
        time.sleep(0.01)
    return True
"""
ASKED = plan(
    {
        "stages": ["25%", "50%", "100%"],
        "gates": ["error_rate", {"wobble": {"role": "guardrail"}}],
        "events": ["wobble"],
        "hold": "1h",
    }
)


@pytest.fixture
def held(world, tmp_path) -> Iterator[World]:
    """A rollout that has begun, whose own metric is being asked about a hundred exchanges and does not answer."""
    began, free, file = tmp_path / "began", tmp_path / "free", tmp_path / "wobble.py"
    file.write_text(WAITING.format(began=str(began), free=str(free)))
    own = (OwnMetric("wobble", str(file), timeout=120.0),)
    world.rollouts.take_over(msgspec.structs.replace(snapshot(ASKED), metrics=own))
    world.act("start")
    world.asking = threading.Thread(target=world.ask, args=(100,), kwargs={"failing": 1.0})
    world.asking.start()
    until(began.exists, "the metric to be asked")
    yield world
    free.touch()
    world.asking.join()
    world.rollouts.own.close()


@pytest.mark.parametrize(
    ("verb", "place"),
    [
        ("abort", "aborted"),
        ("pause", "stage 25%, paused (manual)"),
        ("freeze", "stage 25%, paused (frozen)"),
        ("promote", "stage 50%"),
    ],
)
def test_an_order_waits_for_no_metric_of_the_users_own(held, verb, place):
    held.act(verb)
    assert held.place == place
    assert held.asking.is_alive(), "the metric has not answered yet"


def test_an_abort_waits_for_no_service_that_hangs(world):
    """What it would have said of exchanges before comes too late, and is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        own = (OwnMetric("wobble", url=url, timeout=10.0),)
        world.rollouts.take_over(msgspec.structs.replace(snapshot(ASKED), metrics=own))
        world.act("start")
        asking = threading.Thread(target=world.ask, args=(100,))
        asking.start()
        with server.accept()[0] as asked:
            assert asked.recv(1), "it is being asked"
            world.act("abort")
            assert (world.place, world.route.share) == ("aborted", 0)
            assert asking.is_alive(), "the service has not answered yet"
        asking.join()
    assert world.place == "aborted"
    assert "it can't be asked" in world.rollouts.own.problems["wobble"]


def test_a_changed_configuration_and_who_looks_wait_for_no_metric_either(held):
    held.rollouts.take_over(snapshot(ASKED))
    assert held.rollouts.told("trial")["place"] == "stage 25%"
    assert held.rollouts.needed_from() == 0
    assert held.asking.is_alive()


def test_what_a_metric_said_of_a_rollout_that_was_ended_meanwhile_is_not_told_to_the_next(held, tmp_path):
    held.act("abort")
    held.now += 7200
    held.act("retry")
    (tmp_path / "free").touch()
    held.asking.join()
    assert held.rollouts.told("trial")["evidence"][0].baseline == 0
    assert (held.place, held.rollouts.standings["trial"].problem) == ("stage 25%", "")


def test_what_was_asked_for_before_a_pause_is_told_behind_it_and_still_rolls_back(held, tmp_path):
    held.act("pause")
    (tmp_path / "free").touch()
    held.asking.join()
    assert [it.event for it in held.rollouts.told("trial")["history"]] == ["started", "paused", "rolled back"]


def test_what_was_asked_for_before_the_plan_was_changed_is_told_once(held, tmp_path):
    held.rollouts.take_over(snapshot(OTHER))
    (tmp_path / "free").touch()
    held.asking.join()
    held.ask(1)
    assert [it.event for it in held.rollouts.told("trial")["history"]] == ["started", "rolled back"]


def test_a_metric_of_the_users_own_rolls_back_and_one_that_breaks_only_holds(world, tmp_path):
    file = tmp_path / "wobble.py"
    file.write_text("def is_bad(exchange): return exchange['arm'] == 'candidate'\n")
    given = plan(
        {
            "stages": ["25%", "100%"],
            "gates": ["error_rate", {"wobble": {"role": "guardrail"}}],
            "events": ["wobble"],
            "cooldown": "1s",
        }
    )
    own = (OwnMetric("wobble", str(file)),)
    world.rollouts.take_over(msgspec.structs.replace(snapshot(given), metrics=own))
    world.act("start")
    world.ask(200)
    assert world.place == "rolled back"
    file.write_text("def is_bad(exchange): raise ValueError('broken')\n")
    world.now += 5
    world.act("retry")
    world.ask(500)
    verdicts = {it.metric: it.verdict for it in world.rollouts.told("trial")["evidence"]}
    assert (world.place, verdicts["wobble"]) == ("stage 25%", "error")
    assert world.rollouts.own.problems == {"wobble": "ValueError: broken"}
    assert world.rollouts.told("trial")["unmeasured"] == {"wobble": "ValueError: broken"}
    world.rollouts.own.close()
