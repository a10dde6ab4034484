"""The engine as its owner sees it: a process to start, to wait for and to stop.

Blocking and cheap: no event loop, no thread. Does not import llama.cpp.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from earthward.engine.pipes import has_spoken


class EngineFailed(Exception):
    """The engine ended instead of getting ready. `status` is its exit status; the message is what it said."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Ready(msgspec.Struct, frozen=True):
    """Where it answers; OpenAI's paths begin with `url` + `/v1`."""

    url: str
    model: str
    pid: int


class EngineProcess:
    """Lives no longer than the process that started it, even if that is killed."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ready: Ready | None = None

    @classmethod
    def start(
        cls,
        model: Path | None = None,
        *,
        name: str | None = None,
        port: int = 0,
        context: int = 4096,
        slots: int = 4,
        threads: int | None = None,
        log: Path | None = None,
    ) -> Self:
        """Returns at once; `wait_ready` waits for the model. Without a model, the one of the extra `engine`."""
        given = {"model": model, "name": name, "threads": threads, "log": log}
        options = {"port": port, "context": context, "slots": slots, "parent": os.getpid()} | given
        command = [sys.executable, "-m", "earthward.engine"]
        for option, value in options.items():
            command += [] if value is None else [f"--{option}", str(value)]
        # The kernel would kill it when the *thread* that started it ends, so only the main one may ask for that.
        if threading.current_thread() is threading.main_thread():
            command.append("--killed-with-parent")
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # never written to: it closes when we end
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for us; the engine goes on until stopped
        )
        return cls(process)

    def wait_ready(self, timeout: float = 60.0) -> Ready:
        """Wait until the model answers.

        Raises EngineFailed if the engine ends instead, TimeoutError after `timeout` seconds (it goes on loading).
        """
        if self._ready is None:
            line = _line_from(_pipe(self._process.stdout), time.monotonic() + timeout)
            if line is None:
                raise TimeoutError(f"the engine was not ready within {timeout:g} s")
            if not line:
                raise self._failure()
            self._ready = msgspec.json.decode(line, type=Ready)
        return self._ready

    def stop(self, timeout: float = 5.0) -> None:
        """End it, whatever it is doing; does nothing if it has ended."""
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            _pipe(pipe).close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _failure(self) -> EngineFailed:
        said = _pipe(self._process.stderr).read().decode(errors="replace").strip().splitlines()
        status = self._process.wait()
        return EngineFailed(said[-1] if said else f"the engine ended with status {status} and said nothing", status)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _line_from(pipe: IO[bytes], deadline: float) -> bytes | None:
    """The first line; None if it did not come in time, nothing if the other side ended without one."""
    line = b""
    while not line.endswith(b"\n"):
        if not has_spoken(pipe, deadline - time.monotonic()):
            return None
        piece = os.read(pipe.fileno(), 4096)
        if not piece:
            return b""
        line += piece
    return line
