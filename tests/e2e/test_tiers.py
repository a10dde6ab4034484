"""A model with several contexts on simulated hosts: which is asked for, and that nothing is loaded without need."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from e2e.test_fleet import HOST, Fleet, asked, hosts_seen, many
from harness import Gateway, Simulator, http, until

TIERS = "[4096, 16384, 32768]"
LONG = "word " * 6_000
"""Some 7,500 tokens, as the simulator counts; 9,800 at most, as the gateway guesses."""
DENSE = "字" * 10_000
"""Some 2,900 tokens at most, as the gateway guesses before it has learned better; 7,500 as the simulator counts."""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(tmp_path, stack)


def tiered(fleet: Fleet, **how: Any) -> Gateway:
    return fleet.gateway(context=TIERS, **{"routes": "  - {name: llama, use: llama}", **how})


def loaded(host: Simulator) -> dict[str, int]:
    """What the host has, and with how much context."""
    return {it["name"]: it["context_length"] for it in json.loads(http("GET", f"{host.url}/api/ps")[2])["models"]}


def load(host: Simulator, context: int) -> None:
    """As the gateway would have it loaded."""
    body = {"model": "llama3.2", "options": {"num_ctx": context}, "keep_alive": -1, "shift": False}
    assert http("POST", f"{host.url}/api/generate", body)[0] == 200


def contexts_on_record(gateway: Gateway, count: int) -> list[list[int]]:
    """Of each exchange's attempts, in the order in which they were accepted."""
    return [[attempt[-1] for attempt in json.loads(row["attempts"])] for row in gateway.rows(count)]


def test_a_request_gets_the_least_context_that_holds_it_and_a_host_that_has_more_keeps_it(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = tiered(fleet)
    hosts_seen(gateway, 1)
    assert gateway.chat("llama", "hello")[0] == 200
    assert loaded(host) == {"llama3.2:latest": 4096}
    assert gateway.chat("llama", LONG)[0] == 200
    assert loaded(host) == {"llama3.2:latest": 16384}
    for number in range(4):
        assert gateway.chat("llama", f"hello {number}")[0] == 200
    assert (host.stats()["loads"], loaded(host)) == (2, {"llama3.2:latest": 16384})
    assert contexts_on_record(gateway, 6) == [[4096], [16384], [16384], [16384], [16384], [16384]]


def test_room_that_is_asked_for_the_answer_counts(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = tiered(fleet)
    hosts_seen(gateway, 1)
    assert gateway.chat("llama", "hello sim: tokens=3", max_tokens=8_000)[0] == 200
    assert loaded(host) == {"llama3.2:latest": 16384}


def test_callers_of_ollamas_own_api_get_their_context_too_and_stop_no_other_load(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = tiered(fleet)
    hosts_seen(gateway, 1)
    for text in ("hello", LONG, "hello"):
        messages = [{"role": "user", "content": text}]
        body = {"model": "llama", "messages": messages, "stream": False, "options": {"num_ctx": 2048}}
        assert http("POST", f"{gateway.url}/api/chat", body)[0] == 200
    assert (host.stats()["loads"], loaded(host)) == (2, {"llama3.2:latest": 16384})


def test_a_long_request_goes_to_the_host_that_has_the_context_and_loads_nothing(fleet: Fleet) -> None:
    short, long = fleet.host(), fleet.host()
    load(short, 4096)
    load(long, 16384)
    gateway = tiered(fleet)
    hosts_seen(gateway, 2)

    def best() -> str:
        told = gateway.chat("llama", LONG, headers={"x-earthward-explain": "1"})[2]
        return str(told["attempts"][0]["endpoints"]["endpoints"][0]["url"])

    until(lambda: best() == long.url, "the worker to know where the context is")
    assert many(gateway, 4, 1, lambda number: gateway.chat("llama", f"{number} {LONG}")) == [200] * 4
    assert [host.stats()["loads"] for host in fleet.hosts] == [1, 1]
    assert asked(long) >= 4


def test_a_prompt_that_is_longer_than_it_looked_is_asked_again_with_more_context(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = tiered(fleet)
    hosts_seen(gateway, 1)
    status, _, _ = gateway.chat("llama", DENSE, max_tokens=100)
    assert (status, loaded(host)) == (200, {"llama3.2:latest": 16384})
    assert contexts_on_record(gateway, 1) == [[4096, 16384]]
    (row,) = gateway.rows(1)
    assert "with more context" in row["attempts"]


def test_what_no_tier_holds_is_refused_in_the_callers_words(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = tiered(fleet)
    hosts_seen(gateway, 1)
    status, _, told = gateway.chat("llama", "字" * 60_000)
    assert (status, told["error"]["code"]) == (400, "context_length_exceeded")
    assert asked(host) <= 2


def test_more_than_anybody_here_asks_for_is_loaded_anew_once(fleet: Fleet) -> None:
    host = fleet.host()
    load(host, 65_536)
    gateway = tiered(fleet)
    hosts_seen(gateway, 1)
    for _ in range(3):
        assert gateway.chat("llama", "hello")[0] == 200
    assert (host.stats()["loads"], loaded(host)) == (2, {"llama3.2:latest": 4096})


def test_what_is_loaded_before_anybody_asks_has_the_least_context_and_is_ready(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = tiered(fleet, extra=", keep_alive: -1")
    until(lambda: loaded(host).get("llama3.2:latest") == 4096, "the load")
    until(lambda: http("GET", f"{gateway.url}/readyz/llama")[0] == 200, "it to be ready")
    assert gateway.chat("llama", LONG)[0] == 200
    until(lambda: 16384 in [it["context"] for it in gateway.status()["hosts"][0]["loaded"]], "it to be seen")
    assert http("GET", f"{gateway.url}/readyz/llama")[0] == 200
    assert host.stats()["loads"] == 3, "that of `qwen`, and two of this"


def test_explain_tells_which_context_and_why(fleet: Fleet) -> None:
    fleet.host()
    gateway = tiered(fleet)
    told = gateway.chat("llama", LONG, headers={"x-earthward-explain": "1"})[2]["attempts"][0]
    assert told["context"] == 16384
    assert told["context_why"].startswith("the least of 4,096, 16,384, 32,768 for about 9,")
    assert told["context_why"].endswith(" of prompt and 2,048 of answer")


def test_vectors_are_asked_for_as_their_model_was_loaded(fleet: Fleet) -> None:
    host = fleet.host(*HOST, "--disk", "nomic-embed-text")
    target = "  vectors: {provider: gpus, model: nomic-embed-text, context: 1024}"
    gateway = fleet.gateway(routes="  - {name: v, use: vectors}", targets=target)
    hosts_seen(gateway, 1)
    for text in ("one", "two"):
        body = {"model": "vectors", "input": text}
        assert http("POST", f"{gateway.v1}/embeddings", body)[0] == 200
    assert (host.stats()["loads"], loaded(host)) == (1, {"nomic-embed-text:latest": 1024})


def test_short_requests_at_other_workers_do_not_undo_a_load_with_more_context(fleet: Fleet) -> None:
    host = fleet.host("--load", "2GB", *HOST[2:])
    gateway = tiered(fleet, workers=2)
    hosts_seen(gateway, 1)
    assert gateway.chat("llama", "hello")[0] == 200
    until(lambda: gateway.status()["hosts"][0]["loaded"], "the host to be seen")

    def ask(number: int) -> tuple[int, dict[str, str], Any]:
        if number:
            until(lambda: host.stats()["loads"] >= 2, "the load that the long one sets going")
        return gateway.chat("llama", f"question {number}" if number else LONG)

    assert many(gateway, 12, 12, ask) == [200] * 12
    assert (host.stats()["loads"], loaded(host)) == (2, {"llama3.2:latest": 16384})
