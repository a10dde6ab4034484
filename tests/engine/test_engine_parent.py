"""The engine must not outlive who started it, however that ends. Its stand-in here loads no model."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

WATCH = "say_pid(); wait_for_end_of(parent, 0)"
ASK_KERNEL = "be_killed_with_parent(parent); say_pid(); time.sleep(600)"
ASK_TOO_LATE = "say_pid(); wait_for_end_of(parent, 0); be_killed_with_parent(parent); time.sleep(600)"
CHILD = """
import os, sys, time
from earthward.engine.parent import be_killed_with_parent, wait_for_end_of
parent = int(sys.argv[1])
def say_pid(): print(os.getpid(), flush=True)
"""
# Starts a child that says its pid, and waits to be killed. `{keep}` decides what else holds the child's pipe open.
PARENT = """
import os, subprocess, sys, time
code, way = sys.argv[1:]
child = subprocess.Popen([sys.executable, "-c", code + way, str(os.getpid())], stdin=subprocess.PIPE)
{keep}
time.sleep(600)
"""
ON_LINUX = [sys.platform] * (sys.platform == "linux")
NOBODY_ELSE = ""
A_FORKED_SIBLING = """
if os.fork() == 0:
    os.closerange(0, 3)
    time.sleep(100)
    os._exit(0)
"""


def gone_within(pid: int, seconds: float) -> bool:
    try:
        psutil.Process(pid).wait(seconds)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.mark.parametrize(
    ("way", "keep"),
    [
        pytest.param(WATCH, NOBODY_ELSE, id="its end of the pipe closes"),
        pytest.param(WATCH, A_FORKED_SIBLING, id="another holds the pipe, but the parent is another"),
        *(pytest.param(ASK_KERNEL, A_FORKED_SIBLING, id="the kernel kills it") for _ in ON_LINUX),
        *(pytest.param(ASK_TOO_LATE, NOBODY_ELSE, id="the kernel is asked too late") for _ in ON_LINUX),
    ],
)
def test_the_death_of_the_parent_ends_the_child(way: str, keep: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(keep=keep), CHILD, way], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        os.kill(parent.pid, signal.SIGKILL)
        assert gone_within(child, 80)
