"""Agents that people use, at every kind of target: loops of five turns, and answers in a form."""

import json
import subprocess
from pathlib import Path

import pytest

from vendors import before_one_of_each

TESTS = Path(__file__).parents[1]
BIN = TESTS.parent / ".venv"
FORM = {"city", "sky"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A gateway with a stand-in for each vendor."""
    with before_one_of_each(tmp_path_factory.mktemp("agents"), zone="local", model="to-{}") as stage:
        yield stage


def tasks(stage):
    gateway, vendors = stage
    return [{"url": gateway.url, "model": f"to-{name}", "sim": it.url} for name, it in vendors.items()]


def by_frameworks(asked):
    command = [BIN / "agents" / "bin" / "python", "-W", "ignore", TESTS / "agents" / "loops.py", json.dumps(asked)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=850, check=False)
    assert run.returncode == 0, run.stderr
    return {
        f"{name} at {task.get('at', task['model'])}": it
        for task, told in zip(asked, json.loads(run.stdout), strict=True)
        for name, it in told.items()
    }


def failures(told):
    return {name: it for name, it in told.items() if "failed" in it}


def test_loops_of_langchain_and_pydantic_ai_and_forms_of_instructor_come_to_their_end(stage):
    told = by_frameworks(tasks(stage))
    assert not failures(told), "\n".join(f"{name}: {it['failed']}" for name, it in failures(told).items())
    assert {name: it["calls"] for name, it in told.items() if it.get("calls", 4) != 4} == {}
    assert all(it["said"] for it in told.values() if "said" in it)
    assert all(set(it["form"]) == FORM for it in told.values() if "form" in it)
    assert len(told) == 3 * 10


def test_loops_of_the_vercel_ai_sdk_come_to_their_end(stage):
    asked = tasks(stage)
    lines = "".join(json.dumps(task) + "\n" for task in asked)
    run = subprocess.run(
        [BIN / "bin" / "node", "agents.mjs"],
        cwd=TESTS / "js",
        input=lines,
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = {
        f"{name} at {task['model']}": it
        for task, line in zip(asked, run.stdout.splitlines(), strict=True)
        for name, it in json.loads(line).items()
    }
    assert not failures(told), "\n".join(f"{name}: {it['failed']}" for name, it in failures(told).items())
    assert {name: it["calls"] for name, it in told.items() if it["calls"] != 4} == {}
    assert len(told) == 3 * 6
