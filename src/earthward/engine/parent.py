"""How the engine notices that whoever started it is gone, however that ended, and goes too.

Three ways, since none is enough alone. The kernel's signal comes even while a model loads and Python stands still,
but only Linux has it, and it means the parent's *thread*. The pipe closes at once everywhere, unless a process the
parent forked still holds its end. The parent's id changes everywhere, but has to be looked at.
"""

import ctypes
import os
import signal
import sys

from earthward.engine.pipes import has_spoken

PR_SET_PDEATHSIG = 1
LOOK_EVERY = 0.5


def is_orphan(parent: int) -> bool:
    return os.getppid() != parent


def be_killed_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL when the thread that started this process ends. Does nothing outside Linux."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if is_orphan(parent):  # it died before the kernel was asked
        os._exit(0)


def wait_for_end_of(parent: int, pipe: int) -> None:
    """Return once the parent's end of `pipe` is closed or this process has another parent."""
    while not is_orphan(parent):
        if has_spoken(pipe, LOOK_EVERY) and not os.read(pipe, 4096):
            return
