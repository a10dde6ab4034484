"""Starts programs of ours as forks of one process that has imported them all: imports are most of what a start costs,
and tests start hundreds.

What a program is from `python -m` on is shown by the tests of processes, of the demo and of the benchmarks.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, NoReturn

PROGRAMS = ("earthward", "earthward.simulator")
IMPORTED = (
    *("earthward.cli.serve", "earthward.cli.keys", "earthward.cli.rollout", "earthward.cli.switch"),
    *("earthward.config.compile", "earthward.control.process", "earthward.simulator.__main__"),
    *("google.auth.transport.requests", "google.oauth2.service_account", "google.auth.identity_pool"),
    *("alembic.command", "sqlalchemy.dialects.sqlite", "uvicorn.lifespan.off", "uvicorn.protocols.http.auto", "uvloop"),
)
LARGEST = 1 << 20
IS_POSSIBLE = sys.platform == "linux"
"""Elsewhere libraries may not like to be forked."""


class Program:
    """A program that runs, as `subprocess.Popen` shows one. `stdout` can be read where none was given."""

    def __init__(self, pid: int, stdout: IO[bytes] | None, status: int) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            with selectors.PollSelector() as ends:
                ends.register(self._status, selectors.EVENT_READ)
                if not ends.select(timeout):
                    raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self.returncode = int(os.read(self._status, 64) or b"-9")
            os.close(self._status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forge:
    """The process that is forked. It ends with whoever made it."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._mutex = threading.Lock()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )

    def start(self, words: tuple[str, ...], env: Mapping[str, str], stderr: int, stdout: int | None = None) -> Program:
        """Runs `python -m` with these words."""
        heard, said = (None, stdout) if stdout is not None else os.pipe()
        status, told = os.pipe()
        task = json.dumps({"words": words, "env": dict(env), "folder": str(Path.cwd())}).encode()
        assert len(task) < LARGEST
        try:
            with self._mutex:
                socket.send_fds(self._line, [task], [said, stderr, told])
                pid = int(self._line.recv(64))
        finally:
            os.close(told)
            if heard is not None:
                os.close(said)
        return Program(pid, None if heard is None else os.fdopen(heard, "rb"), status)


@cache
def forge() -> Forge:
    return Forge()


# -- in the process that is forked


def serve(line: socket.socket) -> None:
    """Starts what is asked for, and tells how each ended, until nobody asks any more."""
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Ctrl-C is for whoever asks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    running: dict[int, int] = {}
    heard = selectors.PollSelector()
    for end in (line, woken):
        heard.register(end, selectors.EVENT_READ)
    while True:
        ready = [key.fileobj for key, _ in heard.select()]
        if woken in ready:
            os.read(woken, 4096)
            bury(running)
        if line in ready:
            data, ends, _, _ = socket.recv_fds(line, LARGEST, 3)
            if not data:
                return
            pid = os.fork()
            if not pid:
                for end in (line.fileno(), woken, wake, *running.values(), ends[2]):
                    os.close(end)
                become(json.loads(data), *ends[:2])
            for end in ends[:2]:
                os.close(end)
            running[pid] = ends[2]
            line.send(str(pid).encode())


def bury(running: dict[int, int]) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            told = running.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(told)


def become(task: dict[str, Any], stdout: int, stderr: int) -> NoReturn:
    """This program, from here on."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for end in {stdout, stderr}:
        os.close(end)
    os.chdir(task["folder"])
    os.environ.clear()
    os.environ.update(task["env"])
    sys.argv[:] = task["words"]
    status = 1
    try:
        status = ended(task["words"][0])
        threading._shutdown()
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001  as Python itself does where a program fails
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)


def ended(module: str) -> int:
    """The exit status of a module that is run as a program."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    # To make a store imports its migrations.
    with TemporaryDirectory() as folder:
        importlib.import_module("earthward.store.tables").open(f"sqlite:///{folder}/ledger.db").dispose()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as line:
        serve(line)
