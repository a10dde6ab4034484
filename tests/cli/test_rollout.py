import json
import random
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from earthward.cli.rollout import app
from earthward.rollout.presets import PRESETS
from earthward.rollout.worlds import SCENARIOS, requests, world

PLAN = """
rollouts:
  quick:
    stages: [5%, 25%, 100%]
    gates: [error_rate, {ttft: {at_most: 1s}}]
    bake: {for: 0s}
"""


@pytest.fixture
def run():
    def run(*words: object, input: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], input=input)

    return run


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return path


@pytest.fixture
def events(tmp_path: Path):
    """Traffic at a fixed share, as lines of JSON."""

    def events(scenario: str, count: int = 30_000, share: int = 500, **fields: object) -> Path:
        path = tmp_path / f"{scenario}.jsonl"
        with path.open("wb") as file:
            for it in islice(requests(world(scenario, **fields), random.Random(4), lambda: (share, 0)), count):
                told = {"t": it.t, "unit": it.unit, "arm": it.arm, "share": it.share / 10_000}
                told |= {"ok": it.ok, "ttft_s": it.ttft_s, "score": it.score, "bad": it.bad}
                file.write(msgspec.json.encode(told) + b"\n")
        return path

    return events


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_shown(run, name):
    result = run("plan", name)
    assert result.exit_code == 0
    assert "error_rate" in result.stdout
    told = json.loads(run("plan", name, "--json").stdout)
    assert sum(told["alpha"].values()) < 1


def test_a_plan_is_read_from_a_configuration(run, plan):
    told = json.loads(run("plan", plan, "--json").stdout)["plan"]
    assert told["name"] == "quick"
    assert [stage["share"] for stage in told["stages"]] == [500, 2500]


def test_a_plan_may_be_a_file_of_its_own_in_json(run, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"stages": ["10%", "100%"], "gates": ["error_rate"]}')
    assert json.loads(run("plan", path, "--json").stdout)["plan"]["name"] == "mine"


def test_gates_of_a_plan_in_a_configuration_may_be_metrics_of_ones_own(run, tmp_path):
    path = tmp_path / "earthward.yaml"
    rollout = "rollouts: {mine: {preset: fast, gates: [error_rate, wobble: {role: guardrail}]}}\n"
    path.write_text("metrics: {wobble: wobble.py}\n" + rollout)
    assert [gate["metric"] for gate in json.loads(run("plan", path, "--json").stdout)["plan"]["gates"]][-1] == "wobble"
    path.write_text("metrics: [wobble]\n" + rollout)
    assert "unknown metric `wobble`" in run("plan", path).stderr


def test_of_several_rollouts_one_must_be_chosen(run, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text("rollouts:\n  a: fast\n  b: {preset: careful}\n")
    assert "choose with --rollout: a, b" in run("plan", path).stderr
    assert run("plan", path, "--rollout", "b").exit_code == 0
    assert "did you mean `b`" in run("plan", path, "--rollout", "bb").stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stages: [5%, 100%]\nhould: 7d\n", "plan.yaml:2:1: hould: names an unknown key of a rollout"),
        ("stages: [5%, 4%]\n", "plan.yaml:1:14: stages[1]: is 4% after 5%"),
        ("rollouts:\n  a:\n    stages: [5%, 100%]\n    hold: soon\n", "plan.yaml:4:5: rollouts.a.hold: takes a time"),
        ("stages: [5%\n", "plan.yaml:"),
        ("rollouts: 7\n", "takes rollouts by name"),
        ("", "plan.yaml"),
        ("- 5%\n", "is no rollout"),
    ],
)
def test_a_mistake_in_a_plan_is_told_with_line_and_column(run, tmp_path, text, says):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    result = run("plan", path)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("missing", ["no-such-plan", "/"])
def test_a_plan_that_is_not_there_names_the_presets(run, missing):
    result = run("plan", missing)
    assert result.exit_code == 2
    assert "playbook, fast, careful" in result.stderr


def test_replay_promotes_equal_arms_and_prints_every_transition_with_its_evidence(run, plan, events):
    result = run("replay", events("parity", 36_000), "--plan", plan, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert [it["after"] for it in told["transitions"]] == ["stage 5%", "stage 25%", "promoted", "bake 98%", "completed"]
    evidence = {it["metric"]: it for it in told["transitions"][1]["evidence"]}
    assert evidence["error_rate"]["verdict"] == "pass"
    assert evidence["error_rate"]["e_good"] >= evidence["error_rate"]["enough_good"]
    assert told["requests"] == 36_000


def test_replay_rolls_back_a_candidate_that_fails(run, plan, events):
    result = run("replay", events("worse", by=20), "--plan", plan)
    assert result.exit_code == 1
    assert "rolled back" in result.stdout
    assert "error_rate fail" in result.stdout


def test_replay_without_enough_evidence_says_what_is_missing(run, plan, events):
    result = run("replay", events("parity", 1000), "--plan", plan, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["end"]["why"] == "error_rate: inconclusive; ttft: inconclusive"


def test_replay_twice_is_the_same(run, plan, events):
    path = events("late", 40_000, by=10)
    first, second = (run("replay", path, "--plan", plan, "--json") for _ in range(2))
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["transitions"]


def test_replay_counts_the_requests_of_other_gateways_too(run, plan, tmp_path, events):
    """What two gateways have on record of one traffic is decided as if one had it all."""
    lines = events("worse", 2000, by=20).read_bytes().splitlines(keepends=True)
    halves = [tmp_path / "here.jsonl", tmp_path / "there.jsonl"]
    for at, path in enumerate(halves):
        path.write_bytes(b"".join(lines[at::2]))

    def until_rolled_back(*paths: object) -> float:
        told = json.loads(run("replay", *paths, "--plan", plan, "--json").stdout)
        assert told["end"]["phase"] == "rolled back"
        return told["transitions"][-1]["t"]

    whole = until_rolled_back(events("worse", 2000, by=20))
    assert until_rolled_back(halves[0], "--also", halves[1]) == whole != until_rolled_back(halves[0])


def test_broken_lines_of_another_gateway_are_told_by_its_file_and_no_file_counts_twice(run, plan, tmp_path, events):
    good, broken = events("parity", 10), tmp_path / "there.jsonl"
    broken.write_bytes(b'{"t": 1}\n{"t": \n')
    told = run("replay", good, "--also", broken, "--plan", plan)
    assert (told.exit_code, f"{broken}:2:" in told.stderr) == (2, True)
    assert json.loads(run("replay", good, "--also", broken, "--plan", plan, "--json").stdout)["file"] == str(broken)
    assert run("replay", good, "--also", broken, "--plan", plan, "--skip-broken").exit_code == 3
    assert "given twice" in run("replay", good, "--also", good, "--plan", plan).stderr
    assert run("replay", good, "--also", tmp_path / "none", "--plan", plan).exit_code == 2


def test_replay_reads_standard_input(run, plan, events):
    text = events("worse", 3000, by=50).read_text()
    assert run("replay", "-", "--plan", plan, input=text).exit_code == 1


def test_broken_lines_are_told_by_number_and_nothing_is_decided(run, plan, tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"t": 1, "unit": "a", "arm": "baseline", "share": 0.05}\n\n{"t": 2, "unit": "b"}\n{oops\n')
    result = run("replay", path, "--plan", plan)
    assert result.exit_code == 2
    assert f"{path}:3:1: has `arm` missing" in result.stderr
    assert f"{path}:4:2: is no JSON" in result.stderr
    assert "2 broken lines" in result.stderr
    assert json.loads(run("replay", path, "--plan", plan, "--json").stdout)["broken"][0]["line"] == 3
    assert run("replay", path, "--plan", plan, "--skip-broken").exit_code == 3


def test_a_line_of_any_length_is_one_broken_line(run, plan, tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 3_000_000 + b"\n" + b'{"t": 1, "unit": "a", "arm": "baseline", "share": 0.05}\n')
    told = json.loads(run("replay", path, "--plan", plan, "--json").stdout)
    assert [it["line"] for it in told["broken"]] == [1]


@pytest.mark.parametrize(("text", "status"), [("", 3), ("\n\n", 3), (None, 2)])
def test_no_events_are_not_enough_evidence_and_no_file_is_wrong_use(run, plan, tmp_path, text, status):
    path = tmp_path / "events.jsonl"
    if text is not None:
        path.write_text(text)
    assert run("replay", path, "--plan", plan).exit_code == status


def test_names_from_a_log_can_not_steer_the_terminal(run, plan, tmp_path):
    path = tmp_path / "events.jsonl"
    line = {"t": 1, "unit": "a", "arm": "baseline", "share": 0.05, "bad": ["\x1b[31mred"]}
    order = {"t": 2, "verb": "pause", "by": "\x1b]0;x", "why": "\x1b[2J"}
    path.write_text(f"{json.dumps(line)}\n{json.dumps(order)}\n")
    result = run("replay", path, "--plan", plan)
    assert "\x1b" not in result.stdout


def test_simulate_is_the_same_on_any_number_of_cores(run, plan):
    words = ("simulate", "--plan", plan, "-s", "worse", "--runs", 4, "--json", "--seed", 7)
    alone, together = run(*words, "--jobs", 1), run(*words, "--jobs", 2)
    assert alone.stdout == together.stdout
    assert json.loads(alone.stdout)["scenarios"]["worse"]["rolled_back"] == 1


def test_simulate_shows_a_table(run, plan):
    result = run("simulate", "--plan", plan, "-s", "slow", "-s", "worse", "--by", 10, "--runs", 2, "--jobs", 1)
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[2:4]] == ["slow", "worse"]
    assert "rolled back at 5%" in result.stdout


def test_a_harm_is_set_where_there_is_one_and_equal_arms_stay_equal(run, plan):
    result = run(
        "simulate", "--plan", plan, "-s", "parity", "-s", "worse", "--by", 50, "--runs", 1, "--jobs", 1, "--json"
    )
    assert result.exit_code == 0
    ends = {name: it["rolled_back"] for name, it in json.loads(result.stdout)["scenarios"].items()}
    assert ends == {"parity": 0, "worse": 1}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-s", "wors"), "did you mean `worse`?"),
        (("--by", "2"), "--by needs --scenario"),
        (("--by", "2", "-s", "parity"), "parity: no harm that --by could set; these have one: worse"),
    ],
)
def test_simulate_says_what_it_can_not_do(run, words, says):
    result = run("simulate", *words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert all(name in result.stderr for name in SCENARIOS) or "--by" in words
