"""The parts of a migration: an engine, what spoils it, a simulated cloud, a gateway between them, callers, a hook."""

import contextlib
import http.client
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from earthward.bench.migration.figures import Row, row
from earthward.bench.migration.referee import Referee
from earthward.bench.migration.spoiler import Spoiler
from earthward.bench.processes import control_of
from earthward.engine import EngineProcess

PATIENCE = 120.0
UNITS = 60
"""Conversations that come back again and again; every other request is of a unit of its own."""
TOKENS = 6
SLOTS = 2
ROUTE = "trial"

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  cloud: {{kind: openai, base_url: "{cloud}/v1", api_key: env:MIGRATION_KEY}}
  house: {{kind: openai_compatible, base_url: "{house}/v1"}}
  bench: {{kind: openai_compatible, base_url: "{referee}/v1"}}
targets:
  mini: {{provider: cloud, model: gpt-4o-mini}}
  smol: {{provider: house, model: SmolLM2-135M}}
  referee: {{provider: bench, model: rule}}
notify:
  bench: {{url: "{hook}", secret: env:MIGRATION_KEY}}
routes:
  - {{name: trial, when: {{model: "gpt-*"}}, baseline: mini, candidate: smol, rollout: quick, fallback: [mini]{judged}}}
rollouts:
  quick:
    stages: [5%, 25%, 75%, 100%]
    gates:
      - error_rate: {{negligible: 20%, below: 5}}
      - ttft: {{at_most: 10s, negligible: 20%, below: 5}}
      - truncated: {{negligible: 20%, below: 5}}{gate}
    min_requests: 20
    hold: 1s
    bake: {{for: 2s, holdback: 5%}}
    cooldown: 1s
"""
JUDGED = ", shadow: {rate: 100%, budget: 1 USD/day}, judge: referee"
GATE = "\n      - quality"
GOOD = "A word is all it takes."
"""What the cloud says, where answers are compared."""


class Hook:
    """Hears what the gateway tells of its rollout."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response_only(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Stage:
    """To be entered. Ends what it started; `folder` stays for who made it.

    With `is_judged`, a judge compares answers.
    """

    def __init__(self, folder: Path, *, is_judged: bool = False) -> None:
        self.folder = folder
        self._is_judged = is_judged
        self._ends = contextlib.ExitStack()
        self._env = {**os.environ, "MIGRATION_KEY": "sk-migration", "NO_PROXY": "*", "no_proxy": "*"}

    def __enter__(self) -> "Stage":
        with contextlib.ExitStack() as ends:
            engine = EngineProcess.start(name="SmolLM2-135M", port=0, context=512, slots=SLOTS)
            ends.callback(engine.stop)
            cloud = self._child(ends, "cloud", "-m", "earthward.simulator", "--port", "0", "--tokens", str(TOKENS))
            self.spoiler = Spoiler(engine.wait_ready(PATIENCE).url)
            ends.callback(self.spoiler.close)
            self.hook = Hook()
            ends.callback(self.hook.close)
            self.config = self.folder / "earthward.yaml"
            self.referee = Referee()
            ends.callback(self.referee.close)
            if self._is_judged:
                _post(f"{cloud['url']}/sim/script", {"default": {"say": GOOD}})
            text = CONFIG.format(
                cloud=cloud["url"],
                house=self.spoiler.url,
                hook=self.hook.url,
                referee=self.referee.url,
                judged=JUDGED if self._is_judged else "",
                gate=GATE if self._is_judged else "",
            )
            self.config.write_text(text)
            self._up = self._child(ends, "gateway", "-m", "earthward", "serve", "-c", str(self.config), "--json")
            until(lambda: self.status().get("store") == "ok", "the store")
            self._warm_up()
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _child(self, ends: contextlib.ExitStack, name: str, *arguments: str) -> dict[str, Any]:
        log = ends.enter_context((self.folder / f"{name}.log").open("ab"))
        child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=log, env=self._env)
        ends.callback(_end, child)
        assert child.stdout is not None
        told = child.stdout.readline()
        if not told:
            raise RuntimeError(f"the {name} did not start; see {self.folder / name}.log")
        if name == "gateway":
            self._supervisor = child.pid
        up: dict[str, Any] = json.loads(told)
        return up

    def _warm_up(self) -> None:
        """Has the prompt read once in each of the engine's slots."""
        warming = Callers(self.spoiler.url, SLOTS, "SmolLM2-135M")
        until(lambda: warming.answered >= 2 * SLOTS, "the engine's first answers", 2 * PATIENCE)
        warming.stop()

    # ── what is asked ──

    def status(self) -> dict[str, Any]:
        return dict(self._admin("GET", "/api/status"))

    def rollout(self) -> dict[str, Any]:
        return dict(self._admin("GET", f"/api/rollouts/{ROUTE}"))

    def say(self, verb: str) -> None:
        order = {"verb": verb, "by": "bench", "why": "a whole migration"}
        until(lambda: self._admin("POST", f"/api/rollouts/{ROUTE}", order), f"{verb} to be taken")

    def place(self) -> str:
        """The rollout's phase; empty while the control process is away."""
        rollouts = self._admin("GET", "/api/status").get("rollouts", [])
        return str(rollouts[0]["phase"]) if rollouts else ""

    def _admin(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Nothing while the control process is away."""
        data = json.dumps(body).encode() if body else None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            token = (self.folder / "earthward-state" / "admin.token").read_text()
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            request = urllib.request.Request(self._up["admin"] + path, data, headers, method=method)  # noqa: S310
            with opener.open(request, timeout=PATIENCE) as answer:
                told: dict[str, Any] = json.loads(answer.read())
                return told
        except (OSError, ValueError):
            return {}

    def rows(self) -> list[Row]:
        """All exchanges in the ledger, in the order of storing."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'earthward.db'}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [row(dict(it)) for it in database.execute("SELECT * FROM exchanges ORDER BY number")]

    def kill_control(self) -> None:
        """kill -9 of the controller; the supervisor starts another."""
        control_of(self._supervisor, urlsplit(self._up["url"]).port or 0).kill()

    # ── callers ──

    @contextlib.contextmanager
    def traffic(self, callers: int) -> Iterator["Callers"]:
        asking = Callers(self._up["url"], callers)
        try:
            yield asking
        finally:
            asking.stop()


class Callers:
    """Ask on and on, streamed; count answers, and those who got none."""

    def __init__(self, url: str, number: int, model: str = "gpt-4o-mini") -> None:
        self._model = model
        self._url = f"{url}/v1/chat/completions"
        self._stopped = threading.Event()
        self._numbers = itertools.count()
        self.answered = self.unanswered = 0
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _ask(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while not self._stopped.is_set():
            number = next(self._numbers)
            unit = f"again-{number // 2 % UNITS}" if number % 2 else f"once-{number}"
            body = {
                "model": self._model,
                "stream": True,
                "max_tokens": 24,
                "stop": [" ", "\n", ".", ","],
                "messages": [{"role": "user", "content": "Say one word."}],
            }
            headers = {"content-type": "application/json", "x-earthward-unit": unit}
            try:
                with opener.open(
                    urllib.request.Request(self._url, json.dumps(body).encode(), headers),  # noqa: S310
                    timeout=PATIENCE,
                ) as answer:
                    is_whole = b"[DONE]" in answer.read()
            except (OSError, http.client.HTTPException):
                is_whole = False
            self.answered += is_whole
            self.unanswered += not is_whole


def until(found: Callable[[], Any], what: str, patience: float = PATIENCE, pause: float = 0.02) -> Any:
    end = time.monotonic() + patience
    while not (value := found()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {patience:g} s: {what}")
        time.sleep(pause)
    return value


def _post(url: str, body: Any) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, json.dumps(body).encode())  # noqa: S310  a child's own port
    with opener.open(request, timeout=PATIENCE) as answer:
        answer.read()


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    assert child.stdout is not None
    child.stdout.close()
