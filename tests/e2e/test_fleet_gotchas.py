"""What breaks on Ollama hosts by themselves, and does not with the gateway before them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from e2e.test_fleet import HOST, Fleet, asked, hosts_seen, many
from harness import Simulator, http, until


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(tmp_path, stack)


def test_a_host_that_is_busy_with_loads_is_passed_over_and_alone_says_when_to_come_again(fleet: Fleet) -> None:
    busy, well = fleet.host(), fleet.host()
    busy.script(default={"fault": "503"})
    gateway = fleet.gateway(provider=", balance: round_robin")
    assert many(gateway, 6, 2, lambda number: gateway.chat("llama", f"question {number}")) == [200] * 6
    well.script(default={"fault": "503"})
    status, headers, _ = gateway.chat("llama")
    assert status == 503
    assert int(headers["retry-after"]) >= 1


def test_callers_who_ask_for_other_options_load_the_model_no_second_time(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = fleet.gateway()
    messages = [{"role": "user", "content": "hello"}]
    for options in ({"num_ctx": 2048}, {"num_ctx": 8192}, {"num_gpu": 1, "num_batch": 64}, {}):
        for stream in (False, True):
            body = {"model": "llama", "messages": messages, "stream": stream, "options": options, "keep_alive": 0}
            status, headers, _ = http("POST", f"{gateway.url}/api/chat", body)
            named = ", ".join([*(f"options.{name}" for name in options), "keep_alive"])
            assert (status, headers["x-earthward-dropped"]) == (200, named)
    assert gateway.chat("llama")[0] == 200
    assert host.stats()["loads"] == 1
    assert [row["dropped"] for row in gateway.rows(9)].count('["keep_alive"]') == 2


def test_two_models_asked_for_in_turn_stay_each_on_a_host_of_its_own(fleet: Fleet) -> None:
    hosts = [fleet.host(*HOST, "--resident", "1") for _ in range(2)]
    gateway = fleet.gateway(extra=", keep_alive: -1")
    until(lambda: all(host["loaded"] for host in gateway.status()["hosts"]), "both models to be loaded")
    hosts_seen(gateway, 2)
    for number in range(8):
        assert gateway.chat("llama" if number % 2 else "qwen", f"question {number}")[0] == 200
    assert [host.stats()["loads"] for host in hosts] == [1, 1]


def test_a_model_that_is_partly_on_the_cpu_is_told_of_and_avoided(fleet: Fleet) -> None:
    spills, fits = fleet.host(*HOST, "--memory", "2GB"), fleet.host()
    for host in (spills, fits):
        http("POST", f"{host.url}/api/generate", {"model": "llama3.2", "options": {"num_ctx": 4096}, "shift": False})
    gateway = fleet.gateway()
    hosts_seen(gateway, 2)

    def held() -> list[dict]:
        hosts = gateway.status()["hosts"]
        return hosts if all(it["loaded"] for it in hosts) else []

    on_cpu = {it["url"]: it["loaded"][0]["on_cpu"] for it in until(held, "what the hosts hold")}
    assert on_cpu[spills.url] > 0 == on_cpu[fits.url]
    until(lambda: "on the CPU" in gateway.log.read_text(), "the log to tell of it")
    explain = {"x-earthward-explain": "1"}

    def preferred() -> str:
        told = gateway.chat("llama", "question 0", headers=explain)[2]
        return str(told["attempts"][0]["endpoints"]["endpoints"][0]["url"])

    until(lambda: preferred() == fits.url, "the worker to know of it")
    for number in range(8):
        assert gateway.chat("llama", f"question {number}")[0] == 200
    # A host that has not served yet is tried once, to know how fast it is.
    assert asked(spills) <= 1
    assert asked(fits) >= 7


def test_a_caller_without_a_time_out_is_answered_when_the_gateways_own_is_over(fleet: Fleet) -> None:
    host = fleet.host()
    host.script(default={"fault": "blackhole"})
    gateway = fleet.gateway(provider=", deadlines: {first_byte: 1s}")
    body = {"model": "llama", "messages": [{"role": "user", "content": "hello"}], "stream": False}
    status, _, answer = http("POST", f"{gateway.url}/api/chat", body)
    assert status == 504
    assert json.loads(answer)["error"]


def test_a_host_is_called_by_its_own_name_and_never_sees_where_a_page_came_from(fleet: Fleet) -> None:
    host = fleet.host()
    routes = "  - {name: all, use: llama}\ncors: ['https://app.example']"
    gateway = fleet.gateway(routes=routes)
    status, headers, _ = gateway.chat("any", headers={"origin": "https://app.example"})
    assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example")
    (entry,) = [entry for entry in host.seen() if entry["path"] == "/api/chat"]
    sent = {name.lower(): value for name, value in entry["headers"]}
    assert sent["host"] == urlsplit(host.url).netloc
    assert "origin" not in sent


def test_a_preflight_for_headers_that_ollama_forbids_is_answered_by_the_gateway(fleet: Fleet) -> None:
    fleet.host()
    gateway = fleet.gateway(routes="  - {name: all, use: llama}\ncors: ['https://app.example']")
    asks = {"origin": "https://app.example", "access-control-request-headers": "x-api-key, anthropic-version"}
    status, headers, _ = http("OPTIONS", f"{gateway.url}/v1/messages", None, asks)
    assert status == 204
    assert headers["access-control-allow-headers"] == "x-api-key, anthropic-version"


def test_a_spent_quota_of_ollamas_cloud_is_not_tried_again_but_elsewhere(fleet: Fleet, cloud: Simulator) -> None:
    hosts = [fleet.host(), fleet.host()]
    for host in hosts:
        host.script(default={"fault": "quota"})
    gateway = fleet.gateway(routes="  - {name: r, use: llama, fallback: [mini]}", cloud=cloud)
    status, headers, _ = gateway.chat("llama")
    assert (status, headers["x-earthward-target"]) == (200, "mini")
    assert sum(map(asked, hosts)) == 1
    (row,) = gateway.rows(1)
    assert "payment" in row["attempts"]
