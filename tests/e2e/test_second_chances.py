"""Who may try again: all whom a healthy target can serve, and after a trial that a caller broke off, the next one."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earthward.bench.callers import Heard, ask, question
from earthward.routing.retries import PER_REQUEST, PER_SECOND, WINDOW
from harness import Gateway, Simulator, running, until

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house: {{kind: openai_compatible, base_url: "{local}/v1", zone: local}}
  vendor: {{kind: openai, base_url: "{cloud}/v1", api_key: env:UPSTREAM_KEY}}
targets:
  llama: {{provider: house, model: llama}}
  mini: {{provider: vendor, model: gpt-4o-mini}}
routes:
  - {{name: all, use: llama, fallback: [mini], deadlines: {{first_byte: {patience}}}}}
"""
MANY = 160
"""More than the budget has room for at once, beside the requests themselves."""


@pytest.fixture
def gateways(tmp_path: Path, cloud: Simulator, local: Simulator) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def start(patience: str) -> Gateway:
            gateway = Gateway(tmp_path, CONFIG.format(local=local.url, cloud=cloud.url, patience=patience))
            stack.enter_context(running(gateway))
            return gateway

        yield start


def at_once(gateway: Gateway, count: int) -> list[Heard]:
    port = int(gateway.url.rpartition(":")[2])

    async def all_of_them() -> list[Heard]:
        asked = (ask(port, question("any", f"question {number}"), time.monotonic()) for number in range(count))
        return await asyncio.gather(*asked)

    return asyncio.run(all_of_them())


def chats(simulator: Simulator) -> int:
    return sum(1 for entry in simulator.seen() if entry["path"].endswith("completions"))


def test_a_target_that_dies_under_many_requests_costs_none_of_them_while_another_stands(
    gateways: Any, cloud: Simulator, local: Simulator
) -> None:
    assert MANY > PER_REQUEST * MANY + PER_SECOND * WINDOW
    gateway = gateways("2s")
    local.script(default={"fault": "blackhole"})
    heard = at_once(gateway, MANY)
    assert [(each.status, each.target) for each in heard] == [(200, "mini")] * MANY
    assert chats(cloud) == MANY


def test_when_both_die_under_many_requests_attempts_stay_within_the_budget(
    gateways: Any, cloud: Simulator, local: Simulator
) -> None:
    gateway = gateways("1s")
    for simulator in (cloud, local):
        simulator.script(default={"fault": "blackhole"})
    heard = at_once(gateway, MANY)
    assert {each.status for each in heard} == {504}
    assert chats(local) + chats(cloud) <= (1 + PER_REQUEST) * MANY + PER_SECOND * WINDOW


def test_a_trial_that_its_caller_broke_off_is_the_next_ones(gateways: Any, cloud: Simulator, local: Simulator) -> None:
    gateway = gateways("60s")
    local.script(default={"fault": "500"})

    def is_left_alone() -> bool:
        assert gateway.chat("any")[1]["x-earthward-target"] == "mini"
        return "left alone" in json.dumps(gateway.rows(1)[-1]["attempts"])

    until(is_left_alone, "the target to be left alone")
    local.script(default={"first": 30.0})
    before = chats(local)

    async def leave() -> None:
        """Asks until a request is the trial, and hangs up while it waits."""
        port = int(gateway.url.rpartition(":")[2])
        while chats(local) == before:
            with contextlib.suppress(TimeoutError):
                await ask(port, question("any", "hello"), time.monotonic(), timeout=0.5)

    asyncio.run(leave())
    local.script(default={})
    # It would be left alone for half a minute, were the trial used up.
    until(lambda: gateway.chat("any")[1]["x-earthward-target"] == "llama", "it to be tried again", patience=15)
