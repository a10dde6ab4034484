"""Two real engines with two slots each, and sixteen callers; one engine is killed and comes back."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from earthward.engine.ports import free_port
from harness import ANSWERS_WITHIN, Gateway, Process, running, until

CALLERS = 16
REQUESTS = 24


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def engine(folder: Path, name: str, port: int) -> Process:
    options = ("--context", "512", "--slots", "2", "--threads", "1", "--name", "smol", "--port", str(port))
    return Process("-m", "earthward.engine", *options, log=folder / f"{name}.log")


def configuration(*urls: str) -> str:
    endpoints = ", ".join(f"{{url: '{url}', slots: 2}}" for url in urls)
    return f"""\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house: {{kind: openai_compatible, balance: least_busy, queue: {{deadline: 240s}}, endpoints: [{endpoints}]}}
targets:
  smol: {{provider: house, model: smol}}
routes:
  - {{name: all, use: smol}}
"""


def test_no_request_is_lost_when_one_of_two_engines_is_killed_and_comes_back(tmp_path: Path, stack: ExitStack) -> None:
    ports = free_port(), free_port()
    engines = [engine(tmp_path, name, port) for name, port in zip(("one", "two"), ports, strict=True)]
    for each in engines:
        stack.enter_context(running(each))
    gateway = Gateway(tmp_path, configuration(*[f"{each.up['url']}" for each in engines]))
    stack.enter_context(running(gateway))
    until(lambda: gateway.chat("smol", max_tokens=1)[0] == 200, "an engine to be ready", ANSWERS_WITHIN)

    def ask(number: int) -> int:
        messages = [{"role": "user", "content": f"Count to {number}."}]
        body = json.dumps({"model": "smol", "messages": messages, "max_tokens": 4, "temperature": 0}).encode()
        request = urllib.request.Request(f"{gateway.v1}/chat/completions", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=250) as answer:
            return int(answer.status)

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = [pool.submit(ask, number) for number in range(REQUESTS)]
        until(lambda: sum(answer.done() for answer in answers) >= 4, "some answers", ANSWERS_WITHIN)
        os.kill(engines[0].up["pid"], signal.SIGKILL)
        engines[0].process.wait()
        stack.enter_context(running(engine(tmp_path, "one again", ports[0])))
        assert [answer.result() for answer in answers] == [200] * REQUESTS
