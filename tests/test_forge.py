"""A program that was forked ends, speaks and dies as one that was started by itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crowd import many_files_open
from harness import Gateway, Simulator, earthward, running


@pytest.mark.parametrize("words", [("--version",), ("keys", "create", "--expires", "soon"), ("switch", "--nonsense")])
def test_it_says_and_ends_as_if_started_by_itself(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "earthward", *words]
    alone = subprocess.run(command, capture_output=True, text=True, check=False)
    forked = earthward(*words)
    assert (forked.returncode, forked.stdout, forked.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def test_it_has_the_environment_that_it_was_given_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "earthward.yaml").write_text("auth: open\nstore: sqlite:///ledger.db\n")
    told = earthward("keys", "list", "-c", str(tmp_path / "earthward.yaml"), env={"NO_COLOR": "1"})
    assert told.returncode == 2
    assert "\x1b" not in told.stderr


def test_it_can_be_killed_and_what_killed_it_is_told(tmp_path: Path) -> None:
    simulator = Simulator(tmp_path)
    assert simulator.process.poll() is None
    simulator.process.kill()
    assert simulator.process.wait(90) == -signal.SIGKILL
    assert simulator.stop() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(simulator.process.pid, 0)


def test_one_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="did not start"):
        Gateway(tmp_path, "auth: nobody's\n")


def test_what_one_writes_reaches_no_other(tmp_path: Path) -> None:
    first, second = Simulator(tmp_path, name="first"), Simulator(tmp_path, name="second")
    with running(first, second):
        assert first.port != second.port
        first.stop()
        assert second.stats()["attempts"] == 0


def test_one_is_waited_for_however_many_files_are_open() -> None:
    with many_files_open():
        assert earthward("--version").returncode == 0
