import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from earthward.cli.rollout import app
from earthward.control.rollout_files import Kept, RolloutFiles
from earthward.control.rollouts import LiveRollout
from earthward.ledger.record import Record
from earthward.rollout.controller import begin
from earthward.rollout.read_plan import plan

PLAN = plan({"stages": ["50%", "100%"], "gates": ["error_rate"], "hold": "1h"})


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder of a gateway that has led a rollout."""
    rollout = LiveRollout("chat", PLAN, RolloutFiles(tmp_path / "rollouts", "chat"))
    rollout.act("start", 100.0, "ada", "go")
    records = [
        Record(f"x{t}", t * 10**9, "ok", unit=f"u{t}", route="chat", arm="baseline", share=5000)
        for t in range(101, 111)
    ]
    rollout.take(records, 10, 111.0)
    return tmp_path


@pytest.fixture
def run():
    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


def test_all_that_it_was_told_is_printed_and_read_by_replay(run, state, tmp_path):
    printed = run("events", "chat", "--state", state)
    assert printed.exit_code == 0
    told = [json.loads(line) for line in printed.stdout.splitlines()]
    assert [it["t"] for it in told] == [100.0, 100.0, *range(101, 111), 111.0]
    events = tmp_path / "events.jsonl"
    events.write_text(printed.stdout)
    again = json.loads(run("replay", events, "--json").stdout)
    assert (again["plan"]["name"], again["requests"], again["end"]["place"]) == ("plan", 10, "stage 50%")


def test_another_plan_may_be_tried_on_what_a_gateway_has_on_record(run, state, tmp_path):
    events = tmp_path / "events.jsonl"
    events.write_text(run("events", "chat", "--state", state).stdout)
    assert json.loads(run("replay", events, "--plan", "fast", "--json").stdout)["plan"]["name"] == "fast"


def test_only_what_was_told_since_then_is_printed(run, state):
    since = run("events", "chat", "--state", state, "--since", "1970-01-01T00:01:46+00:00").stdout
    assert [json.loads(line)["t"] for line in since.splitlines()] == [106.0, 107.0, 108.0, 109.0, 110.0, 111.0]


def test_what_is_half_written_is_not_printed(run, state):
    whole = run("events", "chat", "--state", state).stdout
    with (state / "rollouts" / "chat.events.jsonl").open("ab") as file:
        file.write(b'{"t": 112, "unit')
    assert run("events", "chat", "--state", state).stdout == whole


def test_a_rollout_of_before_there_was_a_record_says_from_when_there_is_one(run, tmp_path):
    RolloutFiles(tmp_path / "rollouts", "chat").save(Kept(0, begin(PLAN)), [])
    answer = run("events", "chat", "--state", tmp_path)
    assert answer.exit_code == 1
    assert "begins with the next `start` or `retry`" in answer.stderr


@pytest.mark.parametrize("since", ["", "soon", "-2d", "nan", "2026-13-01", "1e99d"])
def test_a_time_that_is_none_is_told(run, state, since):
    answer = run("events", "chat", "--state", state, "--since", since)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "--since takes how long ago" in answer.stderr


def test_what_is_not_there_is_told(run, state):
    unknown = run("events", "caht", "--state", state)
    assert unknown.exit_code == 2
    assert "those that have: chat" in unknown.stderr
    assert run("events", "../chat", "--state", state).exit_code == 2
    (state / "rollouts" / "chat.events.jsonl").unlink()
    assert "No such file" in run("events", "chat", "--state", state).stderr
    (state / "rollouts" / "chat.rollout").write_bytes(b"half")
    broken = run("events", "chat", "--state", state)
    assert broken.exit_code == 1
    assert "Traceback" not in broken.stderr


def test_where_the_record_has_ended_it_says_why(run, state):
    files = RolloutFiles(state / "rollouts", "chat")
    kept = msgspec.structs.replace(files.load(), recorded=None, unrecorded="its record has reached 2 GB")
    files.save(kept, ())
    printed = run("events", "chat", "--state", state)
    assert printed.exit_code == 1
    assert "nothing is on record of chat: its record has reached 2 GB; a record begins with" in printed.stderr
