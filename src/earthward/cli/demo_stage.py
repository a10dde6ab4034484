"""What the demo runs: a local model, a simulated cloud and a gateway between them, in a folder of their own.

The model, the gateway and its files are the real ones; only the cloud is played. Whatever was started here is ended
here, and the folder goes with it. Knows nothing of the traffic.
"""

import contextlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from earthward.engine import EngineProcess
from earthward.engine.pipes import has_spoken
from earthward.engine.ports import free_port
from earthward.store import keys, tables

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
ASKED_FOR = {GPT: "openai", CLAUDE: "anthropic"}
"""The models that are asked for, and whose they are."""
LOCAL_MODEL = "SmolLM2-135M"
MINI, HAIKU, LOCAL = "mini", "haiku", "smollm2"
"""The three targets."""
SHARE = 25
PATIENCE = 60.0
"""Seconds for anything to get ready, on a machine that is busy with something else."""

# A first token after about 0.4 s and then 90 a second: about what small cloud models do, seen from afar.
CLOUD_PACE = ("--latency", "0.4", "--rate", "90", "--jitter", "0.4", "--tokens", "24", "--text", "words")


class CannotPlay(Exception):
    """Something the demo needs did not start; the message says what, and what it said."""


class Child:
    """A module of ours in a process of its own, which prints a line of JSON once it is up."""

    def __init__(self, name: str, module: str, *arguments: str, log: Path, env: Mapping[str, str]) -> None:
        self._name = name
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "earthward.cli.demo_child", str(os.getpid()), module, *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                env=env,
                process_group=0,  # Ctrl-C is for the demo, which ends all in order
            )

    def wait_up(self) -> dict[str, Any]:
        """What it printed. Raises CannotPlay when it ends instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline() if has_spoken(self._process.stdout, PATIENCE) else b""
        if not line:
            raise CannotPlay(f"the {self._name} did not start: {self.last_words()}")
        told: dict[str, Any] = json.loads(line)
        return told

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Asks; asks again, upon which a gateway drops what is under way; kills."""
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.send_signal(number)
                self._process.wait(5.0)
                break
        assert self._process.stdout is not None
        self._process.stdout.close()

    def last_words(self) -> str:
        """The last line of its log."""
        return (self._log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]


class Stage:
    """To be entered by the main thread: the kernel ends what a thread started when that thread ends."""

    def __init__(self, undisturbed: Callable[[], contextlib.AbstractContextManager[None]]) -> None:
        """`undisturbed` holds off signals: what is half started would be left behind."""
        self._undisturbed = undisturbed
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._undisturbed():
            folder = tempfile.TemporaryDirectory(prefix="earthward-", ignore_cleanup_errors=True)
            self.folder = Path(self._ends.enter_context(folder)).resolve()
        self.configuration = self.folder / "earthward.yaml"
        self.store = f"sqlite:///{self.folder / 'earthward.db'}"
        self.admin_token = self.folder / "earthward-state" / "admin.token"
        self.pids: dict[str, list[int]] = {"engine": [], "cloud": [], "gateway": []}
        # What is spoken to is on this machine, whatever proxy leads out of it.
        self._env = {**os.environ, "DEMO_CLOUD_KEY": secrets.token_hex(16), "NO_PROXY": "*", "no_proxy": "*"}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._undisturbed():
            self._ends.close()

    def open(self, is_up: Callable[[str, str], None]) -> None:
        """Starts everything, and tells of each part that is up, and where.

        Raises CannotPlay, EngineFailed, or TimeoutError when the engine takes too long.
        """
        self._start_engine(free_port())
        cloud = self._child("cloud", "earthward.simulator", "--key", self._env["DEMO_CLOUD_KEY"], *CLOUD_PACE)
        self.api_key = self._caller_key()
        self.engine_url = self._engine.wait_ready(PATIENCE).url
        is_up("local model", self.engine_url)
        cloud_url = str(cloud.wait_up()["url"])
        is_up("cloud", cloud_url)
        self.configuration.write_text(configuration(cloud_url, self.engine_url))
        self._gateway = self._child("gateway", "earthward", "serve", "-c", str(self.configuration), "--json")
        up = self._gateway.wait_up()
        self.url, self.admin_url = str(up["url"]), str(up["admin"])
        self._wait_until_it_answers()
        is_up("gateway", self.url)

    def stop_engine(self) -> None:
        with self._undisturbed():
            self._engine.stop()

    def revive_engine(self) -> None:
        """Where it was before. Raises EngineFailed, or TimeoutError."""
        self._start_engine(port=urlsplit(self.engine_url).port or 0)
        self._engine.wait_ready(PATIENCE)

    @property
    def is_open(self) -> bool:
        return self._gateway.is_alive

    def _start_engine(self, port: int) -> None:
        with self._undisturbed():
            self._engine = EngineProcess.start(name=LOCAL_MODEL, port=port, context=2048)
            self._ends.callback(self._engine.stop)
        self.pids["engine"].append(self._engine.pid)

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        with self._undisturbed():
            child = Child(name, module, *arguments, log=self.folder / f"{name}.log", env=self._env)
            self._ends.callback(child.end)
        self.pids[name].append(child.pid)
        return child

    def _caller_key(self) -> str:
        """As `earthward keys create --app demo` makes it."""
        pepper = keys.pepper(self.folder / "earthward-state")
        engine = tables.open(self.store)
        try:
            key, _ = keys.create(engine, pepper, time.time_ns(), app="demo")
        finally:
            engine.dispose()
        return key

    def is_ready(self, target: str) -> bool:
        """Whether the gateway would ask this target now. Raises CannotPlay where it does not answer."""
        return self._status_of(f"/readyz/{target}") == 200

    def _wait_until_it_answers(self) -> None:
        """It listens from the start, and answers as soon as it knows its callers."""
        self._status_of("/readyz")

    def _status_of(self, path: str) -> int:
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except OSError as error:
            raise CannotPlay(f"the gateway does not answer: {self._gateway.last_words()}") from error
        finally:
            connection.close()


def configuration(cloud: str, local: str) -> str:
    """What an operator would write, but for the addresses. One simulator is both vendors, told apart by paths."""
    return f"""\
# What `earthward demo` runs. Change a share and save: the gateway applies it at once.
listen: 127.0.0.1:0     # 0 is any free port
admin: 127.0.0.1:0
auth: keys              # callers need a key, made with `earthward keys create`

providers:
  openai: {{kind: openai, api_key: env:DEMO_CLOUD_KEY, base_url: "{cloud}/v1"}}     # simulated, at this address
  anthropic: {{kind: anthropic, api_key: env:DEMO_CLOUD_KEY, base_url: "{cloud}", zone: cloud}}     # as well
  house: {{kind: openai_compatible, base_url: "{local}/v1"}}     # the embedded engine

targets:
  {MINI}: {{provider: openai, model: {GPT}}}
  {HAIKU}: {{provider: anthropic, model: {CLAUDE}}}
  {LOCAL}: {{provider: house, model: {LOCAL_MODEL}}}

routes:
  - {{name: everyday, when: {{model: "gpt-*"}}, baseline: {MINI}, candidate: {LOCAL}, share: {SHARE}%}}
  - {{name: careful, when: {{model: "claude-*"}}, baseline: {HAIKU}, candidate: {LOCAL}, share: {SHARE}%}}
"""
