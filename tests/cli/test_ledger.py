import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.chat.failures import FailureKind
from earthward.chat.usage import Count, Usage
from earthward.cli.ledger import app, dollars, printable
from earthward.ledger.record import Attempt, Record, Settled
from earthward.store import tables
from earthward.store.intake import Intake
from earthward.store.spool import SpoolWriter

ON_A_TERMINAL = """
import sys
sys.stdout.isatty = lambda: True
from earthward.cli.ledger import app
app()
"""
LOST = Usage(Count.reported(88))
"""Of an answer that broke off."""


@pytest.fixture
def store(tmp_path: Path):
    """Puts these records into the store of the test, the way they get there in life."""
    boots = iter(range(1000))

    def store(*records: Record) -> None:
        writer = SpoolWriter(tmp_path / "spool", "here", f"boot{next(boots)}")
        for record in records:
            writer.append(Settled(record))
        writer.close()
        engine = tables.open(f"sqlite:///{tmp_path}/ledger.db")
        taking = Intake(engine, tmp_path / "spool", "here")
        while not taking.step().is_drained:
            pass
        engine.dispose()

    return store


@pytest.fixture
def run(tmp_path: Path):
    def run(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--store", f"sqlite:///{tmp_path}/ledger.db"])

    return run


def record(name: str, **fields: object) -> Record:
    usage = Usage(Count.reported(120), Count.reported(30))
    usual = {"accepted_at": 10**18, "status": "ok", "requested_model": "gpt-4o", "target": "mini", "usage": usage}
    return Record(name, **{**usual, "cost": 1_234_000, "duration": 2_500_000_000, **fields})


def test_tail_shows_the_last_exchanges_the_newest_at_the_end(run, store):
    store(*(record(f"x-{n}") for n in range(5)))
    lines = run("tail", "-n", "2").stdout.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["x-3", "x-4"]
    assert lines[1].split()[-5:] == ["2.500", "s", "120", "30", "$0.001234"]


def test_tail_as_json_is_one_line_for_each(run, store):
    store(record("x-1"), record("x-2", cost=None))
    told = [json.loads(line) for line in run("tail", "--json").stdout.splitlines()]
    assert [(row["id"], row["cost"]) for row in told] == [("x-1", 1_234_000), ("x-2", None)]


def test_tail_shows_only_what_is_asked_for(run, store):
    """What another target rescued failed on the arm that it was assigned to, though its caller saw nothing of it."""
    tried, saved, again = (Attempt(target, "http://x", "candidate", 10**18) for target in ("llama", "mini", "llama"))
    moved = {"route": "chat", "arm": "candidate"}
    store(
        record("x-well", **moved, target="llama", attempts=(again,)),
        record("x-retried", **moved, target="llama", attempts=(tried, again)),
        record("x-rescued", **moved, target="mini", attempts=(tried, saved)),
        record("x-failed", **moved, status="failed", failure=FailureKind.TIMEOUT, attempts=(tried,)),
        record("x-baseline", route="chat", arm="baseline", attempts=(saved,)),
        record("x-elsewhere", route="other", arm="candidate", status="failed"),
    )

    def ids(*words: str) -> list[str]:
        return [json.loads(line)["id"] for line in run("tail", "--json", *words).stdout.splitlines()]

    assert ids("--failed") == ["x-rescued", "x-failed", "x-elsewhere"]
    assert ids("--failed", "--route", "chat", "--arm", "candidate") == ["x-rescued", "x-failed"]
    assert ids("--arm", "baseline") == ["x-baseline"]
    assert ids("--failed", "-n", "1") == ["x-elsewhere"]
    assert ids("--route", "nobody's") == []
    refused = run("tail", "--arm", "canary")
    assert (refused.exit_code, "--arm takes" in refused.stderr) == (2, True)


def test_what_is_unknown_is_never_shown_as_zero(run, store):
    store(record("x-1", cost=None, usage=Usage(), duration=0, status="unknown"))
    assert run("tail").stdout.splitlines()[1].split()[-5:] == ["-", "-", "?", "?", "?"]
    shown = run("show", "x-1").stdout
    assert "cost                  unknown" in shown
    assert "input tokens          unknown" in shown


def test_show_tells_everything_of_one_exchange(run, store):
    attempts = (
        Attempt(
            "llama", "http://gpu:1", "candidate", 10**18, 5_000_000, 503, FailureKind.OVERLOADED, "busy", LOST, 17_000
        ),
        Attempt("mini", "https://cloud", "fallback", 10**18 + 6_000_000, 9_000_000, 200, cost=None),
    )
    store(record("x-1", attempts=attempts, dropped=("seed", "top_k"), share=2500, app="shop"))
    shown = run("show", "x-1")
    assert shown.exit_code == 0
    for text in (
        "shop",
        "25 %",
        "seed, top_k",
        "120 (reported)",
        "overloaded busy",
        "fallback",
        "0.006 s",
        "$0.001234",
    ):
        assert text in shown.stdout
    llama, mini = shown.stdout.splitlines()[-2:]
    assert llama.split()[-6:] == ["503", "88", "?", "$0.000017", "overloaded", "busy"]
    assert mini.split()[-4:] == ["200", "?", "?", "?"]
    told = json.loads(run("show", "x-1", "--json").stdout)
    assert [attempt["target"] for attempt in told["attempts"]] == ["llama", "mini"]


def test_an_exchange_that_is_not_there_is_a_no(run, store):
    store(record("x-1"))
    refused = run("show", "nobody")
    assert refused.exit_code == 1
    assert "there is no exchange nobody" in refused.stderr


def test_a_store_that_is_not_there_is_wrong_use_and_is_not_made(run, tmp_path):
    for words in (["tail"], ["show", "x"], ["summary"]):
        refused = run(*words)
        assert refused.exit_code == 2
        assert "there is no store" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_summary_has_a_line_for_each_arm_and_target(run, store):
    rescued = tuple(Attempt(target, "", "", 0) for target in ("llama", "mini"))
    store(
        record("x-1", arm="baseline"),
        record("x-2", arm="baseline", status="failed"),
        record("x-3", arm="candidate", attempts=rescued),
    )
    header, *lines = run("summary").stdout.splitlines()
    assert header.split()[:7] == ["arm", "target", "requests", "errors", "rescued", "arm", "errors"]
    assert [line.split()[:6] for line in lines] == [
        ["baseline", "mini", "2", "1", "0", "1"],
        ["candidate", "mini", "1", "0", "1", "1"],
    ]
    told = json.loads(run("summary", "--json").stdout)
    assert [(row["arm"], row["requests"], row["cost"]) for row in told] == [
        ("baseline", 2, 2_468_000),
        ("candidate", 1, 1_234_000),
    ]
    assert json.loads(run("summary", "--json", "--hours", "1").stdout) == []


def test_availability_is_held_against_an_objective_by_route_and_target(run, store):
    now = time.time_ns()
    store(*[record(f"ok-{number}", accepted_at=now, route="chat") for number in range(9)])
    assert run("availability").exit_code == 0
    store(record("bad", accepted_at=now, route="chat", status="failed", failure=FailureKind.TIMEOUT))
    result = run("availability", "--objective", "95%", "--json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert {(it["of"], it["requests"], it["failed"]) for it in told} == {("route", 10, 1), ("target", 10, 1)}
    assert run("availability", "--objective", "80%").exit_code == 0
    assert "90.000%" in run("availability").output


def test_each_is_held_against_the_objective_that_the_configuration_states(run, store, tmp_path, monkeypatch):
    now = time.time_ns()
    store(*[record(f"ok-{number}", accepted_at=now, route="chat") for number in range(9)])
    store(record("bad", accepted_at=now, route="chat", status="failed", failure=FailureKind.TIMEOUT))
    config = tmp_path / "stated.yaml"
    config.write_text(
        "auth: open\nproviders: {house: {kind: ollama}}\n"
        "targets: {a: {provider: house, model: m, context: 4096}}\n"
        "routes: [{name: chat, use: a, objective: 80%}]\n"
    )
    told = json.loads(run("availability", "--json", "-c", str(config)).output)
    assert {it["of"]: it["objective"] for it in told} == {"route": 0.8, "target": 0.995}
    told = json.loads(run("availability", "--json", "-c", str(config), "--objective", "50%").output)
    assert {it["objective"] for it in told} == {0.5}


@pytest.mark.parametrize("objective", ["nonsense", "100%", "0%", "-3"])
def test_an_objective_that_is_none_is_wrong_use(run, store, objective):
    store(record("one"))
    result = run("availability", f"--objective={objective}")
    assert result.exit_code == 2
    assert "--objective takes" in result.stderr


def test_without_requests_there_is_not_enough_evidence(run, store):
    store(record("old", accepted_at=0))
    assert run("availability").exit_code == 3


def test_what_callers_wrote_does_not_steer_the_terminal(run, store):
    store(record("x-1", requested_model="\x1b[2J\x9b31m[red]gpt\r\n"))
    for words in (["tail"], ["show", "x-1"]):
        shown = run(*words).stdout
        assert "\x1b" not in shown
        assert "\x9b" not in shown
        assert "[red]gpt" in shown
    assert printable("a\tb") == "a\ufffdb"


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_figure_is_shown_whole_or_not_at_all(store, tmp_path, width):
    """`$0.0000…` looks like a price."""
    long = record("0123456789abcdef-1234567", arm="candidate", route="chat", target="llama", cost=12_345_678)
    store(long)
    screens = {}
    for command in ("tail", "summary"):
        # A terminal of this width, as rich knows it.
        known = {"COLUMNS": str(width), "TTY_COMPATIBLE": "1"}
        words = [sys.executable, "-c", ON_A_TERMINAL, command, "--store", f"sqlite:///{tmp_path}/ledger.db"]
        told = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, **known})
        screens[command] = re.sub(r"\x1b\[[0-9;]*m", "", told.stdout)
    for shown in screens.values():
        assert "…" not in shown
        assert max(map(len, shown.splitlines())) <= width
    assert "0123456789abcdef-1234567" in screens["tail"]
    assert "candidate" in screens["tail"]
    assert ("$0.012346" in screens["tail"]) == (width >= 100)
    assert "$0.012346" in screens["summary"]


def test_money_is_shown_to_the_millionth_of_a_dollar():
    assert [dollars(nano) for nano in (None, 0, 1_000, 12_345_678_900)] == ["?", "$0.000000", "$0.000001", "$12.345679"]


def test_following_shows_what_comes_until_it_is_interrupted(store, tmp_path):
    store(record("x-1"))
    command = [sys.executable, "-m", "earthward", "ledger", "tail", "-f", "--json", "--store"]
    # Tests that run in the background of a shell would hand down that interrupts are ignored.
    heeds = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen([*command, f"sqlite:///{tmp_path}/ledger.db"], stdout=subprocess.PIPE, preexec_fn=heeds)
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["id"] == "x-1"
        store(record("x-2"), record("x-3"))
        assert [json.loads(process.stdout.readline())["id"] for _ in range(2)] == ["x-2", "x-3"]
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(90) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
