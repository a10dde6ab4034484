"""The gateway, the simulator and the engine as processes, for tests that go end to end."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from forge import IS_POSSIBLE, PROGRAMS, Program, forge

PATIENCE = 90.0
"""Seconds: many times what anything takes on a machine with nothing else to do."""
ANSWERS_WITHIN = 250.0
"""Seconds. A real model computes: where twenty others do as well, it is in no hurry."""
KEY = "sk-upstream-canary-0123456789abcdef"


def until(found: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Polls until it is so, and returns what was found."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {patience} s: {what}")


def http(
    method: str, url: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def attempts_of(row: dict[str, Any]) -> list[Any]:
    """What was tried for an exchange, without what only found that a kept connection had been closed meanwhile."""
    made = json.loads(row["attempts"])
    again = [number for number, attempt in enumerate(made) if attempt[2] == "the kept connection had been closed"]
    return [attempt for number, attempt in enumerate(made) if number + 1 not in again]


class Process:
    """A child that prints one line of JSON when it is up."""

    def __init__(self, *arguments: str, log: Path, env: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as errors:
            self.process = _started(arguments, errors, {**os.environ, **(env or {})})
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.process.stdout.close()
            raise AssertionError(f"{' '.join(arguments)} did not start:\n{log.read_text()}")
        self.up: dict[str, Any] = json.loads(line)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


def _started(arguments: tuple[str, ...], errors: IO[bytes], env: dict[str, str]) -> "Program | subprocess.Popen[bytes]":
    if IS_POSSIBLE and arguments[0] == "-m" and arguments[1] in PROGRAMS:
        return forge().start(arguments[1:], env, errors.fileno())
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=errors, env=env)


def earthward(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`earthward` with these words, and what came of it."""
    command, environ = ["earthward", *words], {**os.environ, **(env or {})}
    if not IS_POSSIBLE:
        return subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, check=False, env=environ
        )
    with TemporaryFile() as told, TemporaryFile() as errors:
        status = forge().start(tuple(command), environ, errors.fileno(), told.fileno()).wait()
        said = []
        for file in (told, errors):
            file.seek(0)
            said.append(file.read().decode())
    return subprocess.CompletedProcess(command, status, *said)


class Simulator(Process):
    def __init__(self, folder: Path, *arguments: str, name: str = "simulator") -> None:
        super().__init__("-m", "earthward.simulator", "--port", "0", *arguments, log=folder / f"{name}.log")
        self.port: int = self.up["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    def script(self, **script: Any) -> None:
        """Waits while the fault `refused` has closed the port."""

        def told() -> bool:
            try:
                status, _, body = http("POST", f"{self.url}/sim/script", script)
            except urllib.error.URLError:
                return False
            assert status == 200, body
            return True

        until(told, "the simulator to take its script")

    def stats(self) -> dict[str, Any]:
        return dict(json.loads(http("GET", f"{self.url}/sim/stats")[2]))

    def seen(self) -> list[dict[str, Any]]:
        return list(json.loads(http("GET", f"{self.url}/sim/log?limit=10000")[2]))

    def whole_log(self) -> bytes:
        """All that it was asked, with the bodies, in its own words."""
        return http("GET", f"{self.url}/sim/log?limit=10000&bodies=1")[2]

    def bodies(self, *paths: str) -> list[Any]:
        """Those of the requests to these paths, the oldest first."""
        return [json.loads(entry["body"]) for entry in json.loads(self.whole_log()) if entry["path"] in paths]

    def reset(self) -> None:
        """Forgets what it was asked and how it was to answer."""
        assert http("POST", f"{self.url}/sim/reset")[0] == 200

    def asked(self) -> list[dict[str, Any]]:
        """What callers had it asked, without what the gateway asks of itself every second: how a host is, and what a
        model can do."""
        return [it for it in self.seen() if it["method"] == "POST" and it["path"] not in ("/api/show", "/api/generate")]


class Gateway(Process):
    def __init__(
        self,
        folder: Path,
        config: str,
        *,
        workers: int = 1,
        env: dict[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        program: tuple[str, ...] = ("-m", "earthward"),
    ) -> None:
        self.config = folder / "earthward.yaml"
        self.config.write_text(config)
        self.state = folder / "earthward-state"
        self.database = folder / "earthward.db"
        self.token_file = self.state / "admin.token"
        serve = ("serve", "-c", str(self.config), "--workers", str(workers), "--json", *arguments)
        super().__init__(*program, *serve, log=folder / "gateway.log", env={"UPSTREAM_KEY": KEY, **(env or {})})
        self.url: str = self.up["url"]
        self.admin: str = self.up["admin"]
        self.v1 = f"{self.url}/v1"

    def chat(self, model: str = "gpt-4o-mini", text: str = "hello", **fields: Any) -> tuple[int, dict[str, str], Any]:
        headers = fields.pop("headers", None)
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        status, answer_headers, answer = http("POST", f"{self.v1}/chat/completions", body, headers)
        return status, answer_headers, answer if fields.get("stream") else json.loads(answer)

    def new_key(self, *options: str) -> str:
        """A key that works already, and what `earthward keys create` is to say of it."""
        made = earthward("keys", "create", "-c", str(self.config), "--json", *options)
        assert made.returncode == 0, made.stderr
        key = str(json.loads(made.stdout)["key"])
        bearer = {"authorization": f"Bearer {key}"}
        until(lambda: http("GET", f"{self.v1}/models", headers=bearer)[0] == 200, "the new key to work")
        return key

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.admin_get("/api/status")[2]))

    def until_store(self) -> None:
        """Waits until the control process has opened the store: it starts beside the workers, and takes longer."""
        until(lambda: self.status()["store"] == "ok", "the store")

    def admin_get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        token = until(lambda: self.token_file.exists() and self.token_file.read_text(), "the admin token")
        return http("GET", self.admin + path, headers={"authorization": f"Bearer {token}"})

    def rows(self, count: int) -> list[dict[str, Any]]:
        """The ledger's rows, once there are that many."""

        def enough() -> list[dict[str, Any]]:
            rows = self._all_rows()
            return rows if len(rows) >= count else []

        return list(until(enough, f"{count} rows in the ledger; there are {len(self._all_rows())}"))

    def row(self, exchange: str) -> dict[str, Any]:
        return dict(until(lambda: next((row for row in self._all_rows() if row["id"] == exchange), None), exchange))

    def _all_rows(self) -> list[dict[str, Any]]:
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute("SELECT * FROM exchanges ORDER BY accepted_at")]
        except sqlite3.OperationalError:
            return []


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    """A port at which every connection is refused, for as long as nobody else is to listen there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def running(*processes: Process) -> Iterator[None]:
    try:
        yield
    finally:
        for process in reversed(processes):
            process.stop()


def config(
    cloud: Simulator,
    local: Simulator | None = None,
    *,
    share: str = "25%",
    auth: str = "open",
    extra: str = "",
    route_extra: str = "",
    cloud_extra: str = "",
    target_extra: str = "",
    keys: str = "env:UPSTREAM_KEY",
) -> str:
    """A canary between two stand-ins, or with only one of them a route without."""
    lines = [
        "listen: 127.0.0.1:0",
        "admin: 127.0.0.1:0",
        f"auth: {auth}",
        extra,
        "providers:",
        f'  cloud: {{kind: openai, base_url: "{cloud.url}/v1", api_key: {keys}{cloud_extra}}}',
    ]
    if local is not None:
        lines.append(f'  house: {{kind: openai_compatible, base_url: "{local.url}/v1"}}')
    lines += ["targets:", f"  mini: {{provider: cloud, model: gpt-4o-mini{target_extra}}}"]
    if local is not None:
        lines.append("  llama: {provider: house, model: llama}")
    lines.append("routes:")
    arms = f"baseline: mini, candidate: llama, share: {share}" if local is not None else "use: mini"
    lines.append(f'  - {{name: trial, when: {{model: "gpt-*"}}, {arms}{route_extra}}}')
    return "\n".join(lines) + "\n"
