"""The engine must not outlive who started it, however that ends. Its stand-in here loads no model."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

WATCH = "from earthward.engine.parent import wait_for_end_of; wait_for_end_of(parent, 0)"
ASK_KERNEL = "from earthward.engine.parent import be_killed_with_parent; be_killed_with_parent(parent); time.sleep(60)"
# Starts a child that says its pid, and waits to be killed. `{keep}` decides what else holds the child's pipe open.
PARENT = """
import os, subprocess, sys, time
code = "import os, sys, time; parent = int(sys.argv[1]); print(os.getpid(), flush=True); " + sys.argv[1]
child = subprocess.Popen([sys.executable, "-c", code, str(os.getpid())], stdin=subprocess.PIPE)
{keep}
time.sleep(60)
"""
NOBODY_ELSE = ""
A_FORKED_SIBLING = """
if os.fork() == 0:
    os.closerange(0, 3)
    time.sleep(3)
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
        *([pytest.param(ASK_KERNEL, A_FORKED_SIBLING, id="the kernel kills it")] if sys.platform == "linux" else []),
    ],
)
def test_the_death_of_the_parent_ends_the_child(way: str, keep: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(keep=keep), way], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        os.kill(parent.pid, signal.SIGKILL)
        assert gone_within(child, 2.5)
