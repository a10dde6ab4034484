"""Simulated Ollama hosts, a simulated cloud and a gateway before them, each a process of its own on loopback."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

KEY = "sk-bench-5f1d8a3c9e7b42d60c4e"


class NotUp(Exception):
    """One of them did not start; the message holds what it said."""


class Child:
    """A process that prints one line of JSON when it is up."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "EARTHWARD_BENCH_KEY": KEY},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise NotUp(f"{' '.join(arguments)}: {log.read_text()[-2000:]}")
        self.up: dict[str, Any] = json.loads(line)
        self.url: str = self.up["url"]
        self.port = int(self.url.rpartition(":")[2])

    @property
    def memory(self) -> int:
        """Bytes that it and all it has started hold."""
        root = psutil.Process(self.process.pid)
        return sum(int(each.memory_info().rss) for each in (root, *root.children(recursive=True)))

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        """Ends it, stopped or not."""
        for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                self.process.send_signal(number)
                if number != signal.SIGCONT:
                    self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class Simulated(Child):
    """A simulator, which can be told how to answer and asked what it was asked."""

    def script(self, **script: Any) -> None:
        self._call("POST", "/sim/script", json.dumps(script))

    def stats(self) -> dict[str, Any]:
        return dict(self._call("GET", "/sim/stats"))

    def seen(self, since: int = 0) -> list[dict[str, Any]]:
        """Requests to a model, from a running number on; looks at the host are left out."""
        log = self._call("GET", f"/sim/log?since={since}&limit=100000")
        return [entry for entry in log if entry["path"] in ("/api/chat", "/v1/chat/completions")]

    def _call(self, method: str, path: str, body: str = "") -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class Rig:
    """What was started with it ends with it, the last first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self.hosts: list[Simulated] = []

    def host(self, *arguments: str) -> Simulated:
        """A simulator on a port of its own; an Ollama host if `arguments` say what machine it is."""
        log = self._folder / f"host-{len(self.hosts)}.log"
        command = ("-m", "earthward.simulator", "--keep", "100000", *arguments)
        host = self._stack.enter_context(Simulated(command, log))
        self.hosts.append(host)
        return host

    def gateway(self, configuration: str, workers: int = 1) -> Child:
        """`configuration` from `providers` on."""
        file = self._folder / "earthward.yaml"
        head = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nauth: open\n"
        file.write_text(head + configuration)
        command = ("-m", "earthward", "serve", "-c", str(file), "--workers", str(workers), "--json")
        return self._stack.enter_context(Child(command, self._folder / "gateway.log"))

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@contextlib.contextmanager
def rig() -> Iterator[Rig]:
    """In a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="earthward-bench-") as folder, Rig(Path(folder)) as made:
        yield made
