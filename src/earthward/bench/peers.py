"""The gateways that are held against each other, each as a process to start: how, in front of what, and with which key.

The others live under .bench, where `make bench-peers` puts them; one that is not there is missing, and says so.
Knows nothing of what is measured.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil

from earthward.bench.processes import compiled
from earthward.engine.ports import free_port

CHECKOUT = Path(__file__).parents[3]
TEMPLATES = CHECKOUT / "bench" / "peers"
INSTALLED = CHECKOUT / ".bench"
KEY = "sk-bench-5f1d8a3c9e7b42d60c4e"
ENV = {"EARTHWARD_BENCH_KEY": KEY}
QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello. sim: tokens=2"}]}
PATIENCE = 90.0
"""Seconds until a gateway has to answer. LiteLLM takes ten when it has the machine to itself."""


class Missing(Exception):
    """This one cannot be measured here; the message says what to do about it."""


class Launch(msgspec.Struct, frozen=True):
    """What to run so that it serves OpenAI's API on `port`; `headers` are what its callers have to send."""

    command: tuple[str, ...]
    port: int
    headers: tuple[tuple[str, str], ...] = ()
    env: Mapping[str, str] = {}


class Place(msgspec.Struct, frozen=True):
    """Where one is to run: in front of the upstream on this port, with this folder for its files."""

    upstream: int
    folder: Path


def filled(name: str, place: Place, port: int, **words: Any) -> Path:
    """A template of bench/peers with its @WORDS@ filled in, as a file in the folder."""
    template = TEMPLATES / name
    if not template.exists():
        raise Missing(f"{template} is not there: benchmarks against others run from a checkout only")
    text = template.read_text()
    known = {"PORT": port, "UPSTREAM": place.upstream, "FOLDER": place.folder} | words
    for word, value in known.items():
        text = text.replace(f"@{word}@", str(value))
    file = place.folder / name
    file.write_text(text)
    return file


def bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"Bearer {key}"),)


def program(name: str) -> str:
    # Debian keeps nginx where only root's PATH looks.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Missing(f"{name} is not installed: make bench-peers")
    return found


def installed(name: str, *path: str) -> str:
    file = INSTALLED.joinpath(name, *path)
    if not file.exists():
        raise Missing(f"{name} is not installed in {INSTALLED / name}: make bench-peers")
    return str(file)


def mock(place: Place) -> Launch:
    """The upstream for requests: nginx, since nothing in Python would leave the gateway enough of the machine."""
    port = free_port()
    return Launch((program("nginx"), "-e", "stderr", "-c", str(filled("mock.conf", place, port))), port)


def simulator(place: Place) -> Launch:
    """The upstream for streams, and for all where there is no nginx."""
    del place
    port = free_port()
    command = (sys.executable, "-m", "earthward.simulator", "--port", str(port), "--keep", "10")
    # As many streams at once from an Ollama as from the others.
    return Launch((*command, "--slots", "10000"), port)


def earthward(place: Place) -> Launch:
    """Callers and targets speak the same."""
    return _earthward(place, "earthward.yaml")


def translated(place: Place) -> Launch:
    """The same, but for targets that are asked in Ollama's own API."""
    return _earthward(place, "translated.yaml")


def _earthward(place: Place, template: str) -> Launch:
    compiled()
    port = free_port()
    config = filled(template, place, port, ADMIN=free_port())
    key = subprocess.run(
        [sys.executable, "-m", "earthward", "keys", "create", "-c", str(config), "--app", "bench", "--json"],
        capture_output=True,
        env=os.environ | ENV,
        check=False,
    )
    if key.returncode:
        raise Missing(f"no key could be made: {key.stderr.decode(errors='replace').strip()}")
    command = (sys.executable, "-m", "earthward", "serve", "-c", str(config), "--workers", "1", "--quiet")
    return Launch(command, port, bearer(json.loads(key.stdout)["key"]), ENV)


def bare(place: Place) -> Launch:
    """The least that Python can do; see `earthward.bench.bare`."""
    return _bare(place)


def spooled(place: Place) -> Launch:
    return _bare(place, "--spool")


def _bare(place: Place, *how: str) -> Launch:
    port = free_port()
    ports = ("--port", str(port), "--upstream", str(place.upstream))
    return Launch((sys.executable, "-m", "earthward.bench.bare", *ports, *how), port)


def nginx(place: Place) -> Launch:
    port = free_port()
    return Launch((program("nginx"), "-e", "stderr", "-c", str(filled("nginx.conf", place, port))), port)


def smg(place: Place) -> Launch:
    port = free_port()
    upstream = ("--worker-urls", f"http://127.0.0.1:{place.upstream}")
    how = ("--backend", "openai", "--log-level", "error", "--prometheus-port", str(free_port()))
    return Launch((installed("smg", "bin", "smg"), "launch", *at(port), *upstream, *how), port)


def litellm(place: Place) -> Launch:
    port = free_port()
    config = filled("litellm.yaml", place, port)
    # Its own advice for production; and its price list is the one in the package, not one to be fetched.
    env = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    command = (installed("litellm", "bin", "litellm"), "--config", str(config), *at(port), "--num_workers", "1")
    return Launch(command, port, bearer(KEY), ENV | env)


def portkey(place: Place) -> Launch:
    port = free_port()
    node = Path(sys.executable).with_name("node")
    server = installed("portkey", "node_modules", "@portkey-ai", "gateway", "build", "start-server.js")
    loopback = ("--require", str(TEMPLATES / "portkey" / "loopback.cjs"))
    command = (str(node), *loopback, server, f"--port={port}", "--headless")
    route = (("x-portkey-provider", "openai"), ("x-portkey-custom-host", f"http://127.0.0.1:{place.upstream}/v1"))
    return Launch(command, port, (*bearer(KEY), *route), {"NODE_ENV": "production"})


def at(port: int) -> tuple[str, ...]:
    return ("--host", "127.0.0.1", "--port", str(port))


GATEWAYS: dict[str, Callable[[Place], Launch]] = {
    "nginx": nginx,
    "bare": bare,
    "spooled": spooled,
    "earthward": earthward,
    "translated": translated,
    "smg": smg,
    "portkey": portkey,
    "litellm": litellm,
}
"""In the order in which they are measured and shown."""
FLOORS = ("bare", "spooled")
"""Measured only when they are named: they are no gateways, and lose whatever comes in more than one piece."""


class Running:
    """One of them up, answering. `ready_after` is in seconds from its start to its first whole answer."""

    def __init__(self, launch: Launch, log: Path, cpu: int | None) -> None:
        self.launch = launch
        self.url = f"http://127.0.0.1:{launch.port}"
        pinned = () if cpu is None else ("taskset", "-c", str(cpu))
        with log.open("ab") as output:
            began = time.monotonic()
            self._process = subprocess.Popen(
                [*pinned, *launch.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | launch.env,
                process_group=0,
            )
        try:
            self._wait_until_it_answers(log)
        except BaseException:
            self.stop()
            raise
        self.ready_after = time.monotonic() - began

    def _wait_until_it_answers(self, log: Path) -> None:
        end = time.monotonic() + PATIENCE
        while not answers(self.launch):
            if self._process.poll() is not None:
                raise Missing(f"it ended with status {self._process.returncode}; see {log}")
            if time.monotonic() > end:
                raise Missing(f"no answer within {PATIENCE:g} s; see {log}")
            time.sleep(0.01)

    @property
    def processes(self) -> list[psutil.Process]:
        """Itself and all it has started."""
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                self._process.send_signal(number)
                self._process.wait(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def answers(launch: Launch) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", launch.port, timeout=10)
    try:
        headers = {"content-type": "application/json", **dict(launch.headers)}
        connection.request("POST", "/v1/chat/completions", json.dumps(QUESTION), headers)
        answer = connection.getresponse()
        return b"chat.completion" in answer.read() and answer.status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def version(name: str) -> str | None:
    """What is installed, as its own files say."""
    with contextlib.suppress(Missing, OSError, IndexError):
        if name == "nginx":
            said = subprocess.run([program("nginx"), "-v"], capture_output=True, text=True, check=True).stderr
            return said.strip().rpartition("/")[2]
        if name == "portkey":
            package = installed("portkey", "node_modules", "@portkey-ai", "gateway", "package.json")
            return str(json.loads(Path(package).read_bytes())["version"])
        if name in ("smg", "litellm"):
            found = sorted(INSTALLED.joinpath(name).glob(f"lib/python*/site-packages/{name}-*.dist-info"))
            return found[0].name.removeprefix(f"{name}-").removesuffix(".dist-info")
    return None
