"""Rollouts that lead a running gateway: traffic moves by itself, and back."""

import json
import threading
import time
from collections import defaultdict
from itertools import count
from urllib.parse import urlsplit

import msgspec
import pytest

from earthward.bench.processes import control_of
from earthward.config.snapshot import Snapshot
from harness import Gateway, config, earthward, http, until
from receiver import receiving

QUICK = """
rollouts:
  quick:
    stages: [50%, 75%, 100%]
    gates: [error_rate: {negligible: 20%, below: 5}]
    min_requests: 20
    hold: 100ms
    bake: {for: 100ms, holdback: 2%}
    cooldown: 100ms
"""
SLOW = QUICK.replace("hold: 100ms", "hold: 1h")


class Callers:
    """Ask on and on, each as a user of its own or as one of a few that come back; note who was on which arm when."""

    def __init__(self, gateway: Gateway, number: int = 3) -> None:
        self._gateway = gateway
        self._stop = threading.Event()
        self._numbers = count()
        self.seen: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        self.statuses: list[int] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(number)]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stop.is_set():
            number = next(self._numbers)
            unit = f"again-{number % 40}" if number % 2 else f"once-{number}"
            asked = time.time()
            try:
                status, headers, _ = self._gateway.chat(text=unit, headers={"x-earthward-unit": unit})
            except OSError:
                continue
            self.statuses.append(status)
            self.seen[unit].append((asked, headers["x-earthward-arm"]))
            time.sleep(0.01)


def went_back(rows):
    """The units that came to the baseline at a share at which, or above one at which, they were on the candidate; and
    workers that went by an older share after a newer one.

    Workers hear of a new share one after the other: an answer is held against the share that it was decided by.
    """
    arms, shares = defaultdict(set), defaultdict(list)
    for row in rows:
        # Ids are numbered, and so tell in which order a worker decided.
        worker, _, number = row["id"].rpartition("-")
        arms[row["unit"]].add((row["share"], row["arm"]))
        shares[worker].append((int(number, 16), row["share"]))
    for unit, seen in arms.items():
        moved = [share for share, arm in seen if arm == "candidate"]
        if moved and any(share >= min(moved) for share, arm in seen if arm == "baseline"):
            yield unit
    for worker, seen in shares.items():
        in_turn = [share for _, share in sorted(seen)]
        if in_turn != sorted(in_turn):
            yield worker


def rollout(gateway, *arguments):
    return earthward("rollout", *arguments, "-c", str(gateway.config))


def told(gateway):
    (it,) = gateway.status()["rollouts"]
    return it


def history(gateway):
    return json.loads(gateway.admin_get("/api/rollouts/trial")[2])["history"]


def share_on_disk(gateway):
    data = (gateway.state / "snapshot.msgpack").read_bytes()
    return msgspec.msgpack.decode(data, type=Snapshot).routes[0].share


@pytest.fixture
def begun(tmp_path, cloud, local):
    """Starts a gateway whose route follows this plan, and its rollout."""
    started = []

    def begin(plan: str = QUICK) -> Gateway:
        text = config(cloud, local, share="0%").replace("share: 0%", "rollout: quick, fallback: [mini]")
        gateway = Gateway(tmp_path, text + plan, workers=2)
        started.append(gateway)
        gateway.until_store()
        done = rollout(gateway, "start", "trial", "--why", "it is time", "--by", "ada")
        assert done.returncode == 0, done.stderr
        assert "stage 50%" in done.stdout
        return gateway

    yield begin
    for gateway in started:
        gateway.stop()


def test_a_healthy_candidate_is_promoted_through_all_stages_and_nobody_goes_back(begun):
    gateway = begun()
    with Callers(gateway) as callers:
        until(lambda: told(gateway)["phase"] == "completed", "the end of the rollout")
        until(lambda: share_on_disk(gateway) == 10_000, "the share on the disk")
    assert set(callers.statuses) == {200}
    moves = history(gateway)
    assert [it["after"] for it in moves] == ["stage 50%", "stage 75%", "promoted", "bake 98%", "completed"]
    assert (moves[0]["by"], moves[0]["why"]) == ("ada", "it is time")
    rows = gateway.rows(len(callers.statuses))
    assert not list(went_back(rows))
    assert {row["share"] for row in rows} <= {0, 5000, 7500, 9800, 10_000}
    assert 'earthward_rollout_share{route="trial"} 1.0' in gateway.admin_get("/metrics")[2].decode()


def test_what_a_gateway_has_on_record_is_replayed_to_the_decisions_that_it_took(begun, local, tmp_path):
    gateway = begun(SLOW)
    with Callers(gateway) as callers:
        until(lambda: len(callers.statuses) > 60, "traffic")
        assert rollout(gateway, "pause", "trial", "--why", "lunch").returncode == 0
        assert rollout(gateway, "start", "trial", "--why", "a slip").returncode == 1
        until(lambda: len(callers.statuses) > 100, "traffic")
        control = control_of(gateway.process.pid, urlsplit(gateway.url).port)
        control.kill()
        control.wait()
        gateway.until_store()
        assert rollout(gateway, "promote", "trial", "--why", "enough seen").returncode == 0
        local.script(default={"fault": "500"})
        until(lambda: told(gateway)["phase"] == "rolled back", "the rollback")
        order = ("retry", "trial", "--why", "not mended")
        until(lambda: rollout(gateway, *order).returncode == 0, "the end of the cool-down")
        until(lambda: told(gateway)["phase"] == "rolled back", "the second rollback")
    lived = history(gateway)
    gateway.stop()
    printed = rollout(gateway, "events", "trial")
    assert printed.returncode == 0, printed.stderr
    events = tmp_path / "events.jsonl"
    events.write_text(printed.stdout)
    again = earthward("rollout", "replay", str(events), "--json")
    assert (again.returncode, again.stderr) == (1, ""), "rolled back"
    replay = json.loads(again.stdout)
    assert replay["transitions"] == lived
    ends = ["started", "rolled back"]
    assert [it["event"] for it in lived] == ["started", "paused", "stage passed", "rolled back", *ends]
    assert replay["refused"][0].startswith("start at ")
    assert "hello" not in printed.stdout
    assert not [unit for unit in callers.seen if unit in printed.stdout], "units are names by a keyed hash"
    later = rollout(gateway, "events", "trial", "--since", "0.001ms")
    assert (later.returncode, later.stdout) == (0, "")
    unknown = rollout(gateway, "events", "other")
    assert unknown.returncode == 2
    assert "those that have: trial" in unknown.stderr


def test_a_candidate_that_begins_to_fail_is_rolled_back_by_itself_and_its_traffic_with_it(begun, local):
    gateway = begun(SLOW)
    with Callers(gateway) as callers:
        until(lambda: len(callers.statuses) > 60, "traffic")
        assert told(gateway)["share"] == 0.5
        local.script(default={"fault": "500"})
        until(lambda: told(gateway)["phase"] == "rolled back", "the rollback")
        until(lambda: share_on_disk(gateway) == 0, "the share on the disk")
        until(lambda: gateway.status()["workers"]["current"] == 2, "both workers to know")
        known = time.time()
        until(
            lambda: len([at for unit in callers.seen.copy().values() for at, _ in unit if at > known]) > 20, "traffic"
        )
    assert "error_rate" in history(gateway)[-1]["why"]
    late = {arm for unit in callers.seen.values() for at, arm in unit if at > known}
    assert late == {"baseline"}
    assert set(callers.statuses) == {200}, "the fallback served who met the failing candidate"


def test_kill_9_of_the_control_process_in_the_middle_loses_nothing(begun):
    gateway = begun(SLOW)
    with Callers(gateway) as callers:
        for _ in range(2):
            enough = len(callers.statuses) + 60
            until(lambda enough=enough: len(callers.statuses) > enough, "traffic")
            control = control_of(gateway.process.pid, urlsplit(gateway.url).port)
            control.kill()
            control.wait()
            assert told(gateway)["share"] == 0.5
    asked = len(callers.statuses)

    def counted():
        (it,) = json.loads(gateway.admin_get("/api/rollouts/trial")[2])["evidence"]
        return it["baseline"] + it["candidate"]

    # Whom a kill left without an answer is on record as well.
    until(lambda: counted() == len(gateway.rows(asked)), f"each exchange to count once; now {counted()} of {asked}")
    assert [it["after"] for it in history(gateway)] == ["stage 50%"]
    for unit, arms in callers.seen.items():
        assert len({arm for _, arm in arms}) == 1, f"{unit} flapped"


def test_people_are_told_what_is_wrong(begun, tmp_path):
    gateway = begun(SLOW)
    refused = rollout(gateway, "retry", "trial", "--why", "again")
    assert refused.returncode == 1
    assert "possible now: pause" in refused.stderr
    unknown = rollout(gateway, "abort", "trail", "--why", "x")
    assert unknown.returncode == 2
    assert "no route `trail` has a rollout; those that have one: trial" in unknown.stderr
    for odd in ("../trial", "a/b", ""):
        refused = rollout(gateway, "abort", odd, "--why", "x")
        assert refused.returncode == 2
        assert f"`{odd}` is no name of a route" in refused.stderr
    token = {"authorization": f"Bearer {gateway.token_file.read_text()}"}
    blank = [{"verb": "abort", "by": by, "why": why} for by, why in (("ada", " "), ("\n", "x"), ("", "x"))]
    for order in (
        b"",
        b"half",
        b"[]",
        {"verb": "stop", "by": "ada", "why": "x"},
        {"verb": "abort"},
        b"x" * 20_000,
        {"verb": "promote", "by": "ada", "why": "x", "stage": 50},
        {"verb": "promote", "by": "ada", "why": "x", "stage": "5" * 300},
        *blank,
    ):
        assert http("POST", f"{gateway.admin}/api/rollouts/trial", order, token)[0] == 400
    order = {"verb": "abort", "by": "eve", "why": "x"}
    assert http("POST", f"{gateway.admin}/api/rollouts/trial", order)[0] == 401
    assert told(gateway)["phase"] == "stage", "nothing of it was done"
    assert rollout(gateway, "abort", "trial").returncode == 2, "without a reason"
    assert rollout(gateway, "abort", "trial", "--why", " ").returncode == 2
    first = rollout(gateway, "promote", "trial", "--from", "50%", "--why", "ada read the status")
    assert first.returncode == 0, first.stderr
    assert "stage 75%" in first.stdout
    second = rollout(gateway, "promote", "trial", "--from", "50%", "--why", "so did eve")
    assert second.returncode == 1
    assert "the rollout is stage 75%, not 50%, so nothing was done" in second.stderr
    late = {"verb": "promote", "by": "eve", "why": "x", "stage": "stage 50%"}
    status, _, body = http("POST", f"{gateway.admin}/api/rollouts/trial", late, token)
    assert (status, json.loads(body)["place"]) == (409, "stage 75%")
    assert rollout(gateway, "promote", "trial", "--full", "--why", "enough seen").returncode == 0
    assert told(gateway)["phase"] in ("bake", "completed")
    shown = rollout(gateway, "status", "trial")
    assert "enough seen" in shown.stdout
    gateway.stop()
    gone = rollout(gateway, "abort", "trial", "--why", "x")
    assert gone.returncode == 1
    assert "no gateway runs" in gone.stderr


def test_a_configuration_that_is_broken_keeps_nobody_from_an_order(begun, tmp_path):
    """Somebody edits it just when somebody else has to end the rollout: the gateway goes on by what was in force."""
    gateway = begun(SLOW)
    gateway.config.write_text(gateway.config.read_text() + "  half a li")
    ended = rollout(gateway, "abort", "trial", "--why", "now")
    assert (ended.returncode, told(gateway)["phase"]) == (0, "aborted"), ended.stderr
    assert "is not sound; going by the gateway that runs with it" in ended.stderr
    copy = tmp_path / "copy.yaml"
    copy.write_text(gateway.config.read_text())
    refused = earthward("rollout", "status", "-c", str(copy))
    assert refused.returncode == 2
    assert "say where the state folder is with --state" in refused.stderr, "no gateway runs with that file"


def test_a_drill_goes_through_the_cloud_and_tells_when_that_path_is_broken(tmp_path, cloud, local):
    with receiving() as receiver:
        text = config(cloud, local, share="100%", route_extra=", fallback: [mini], drill: 10%")
        gateway = Gateway(tmp_path, text + f'notify: {{ops: {{url: "{receiver.url}"}}}}\n')
        try:

            def asked(count: int) -> list[tuple[int, str]]:
                units = [{"x-earthward-unit": f"{time.time()}"} for _ in range(count)]
                answers = [gateway.chat(headers=unit) for unit in units]
                return [(status, headers["x-earthward-target"]) for status, headers, _ in answers]

            assert set(asked(100)) == {(200, "mini"), (200, "llama")}
            rows = gateway.rows(100)
            drilled = [row for row in rows if row["target"] == "mini"]
            assert {row["arm"] for row in drilled} == {"only"}
            assert all(row["cost"] for row in drilled), "what it cost is on record"
            cloud.script(default={"fault": "500"})
            assert set(asked(100)) == {(200, "llama")}, "whom the drill fails is served as ever"
            until(lambda: receiver.events == ["drill failed"], "somebody to be told")
            assert 'earthward_drill_failing{route="trial"} 1.0' in gateway.admin_get("/metrics")[2].decode()
        finally:
            gateway.stop()


def test_by_the_hour_one_request_is_drilled_however_many_there_are(tmp_path, cloud, local):
    text = config(cloud, local, share="100%", route_extra=", fallback: [mini], drill: 1/hour")
    gateway = Gateway(tmp_path, text)
    try:
        explained = gateway.chat(headers={"x-earthward-explain": "1"})[2]
        assert explained["drill"] == "1 request an hour through `mini`", "and that was no drill"
        targets = [gateway.chat(stream=number % 2 == 1)[1]["x-earthward-target"] for number in range(30)]
        assert targets == ["mini", *["llama"] * 29]
        (drilled,) = (row for row in gateway.rows(30) if row["target"] == "mini")
        assert drilled["arm"] == "only"
    finally:
        gateway.stop()
