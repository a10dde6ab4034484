"""A fleet of simulated Ollama hosts behind the gateway: who is asked, who is left alone, who waits."""

import json
import signal
import socket
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai
import pytest
from google import genai
from google.genai import types

from earthward.control.process import LOOK
from harness import PATIENCE, Gateway, Simulator, earthward, http, running, until

HOST = (
    "--load",
    "4GB",
    "--decode",
    "400",
    "--prefill",
    "20000",
    "--slots",
    "2",
    "--disk",
    "llama3.2",
    "--disk",
    "qwen3:8b",
)


class Fleet:
    """Hosts, perhaps a cloud, and a gateway before them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.hosts: list[Simulator] = []

    def host(self, *arguments: str) -> Simulator:
        host = Simulator(self._folder, *(arguments or HOST), name=f"gpu-{len(self.hosts)}")
        self._stack.enter_context(running(host))
        self.hosts.append(host)
        return host

    def gateway(
        self,
        *urls: str,
        provider: str = "",
        routes: str = "",
        cloud: Simulator | None = None,
        workers: int = 1,
        extra: str = "",
        context: str = "4096",
        targets: str = "",
    ) -> Gateway:
        addresses = urls or tuple(host.url for host in self.hosts)
        endpoints = ", ".join(url if url.startswith("{") else f'"{url}"' for url in addresses)
        lines = [
            "listen: 127.0.0.1:0",
            "admin: 127.0.0.1:0",
            "auth: open",
            "providers:",
            f"  gpus: {{kind: ollama, endpoints: [{endpoints}]{provider}}}",
        ]
        if cloud is not None:
            lines.append(f'  cloud: {{kind: openai, base_url: "{cloud.url}/v1", api_key: env:UPSTREAM_KEY}}')
        lines += ["targets:", f"  llama: {{provider: gpus, model: llama3.2, context: {context}{extra}}}"]
        lines.append(f"  qwen: {{provider: gpus, model: 'qwen3:8b', context: 4096{extra}}}")
        if cloud is not None:
            lines.append("  mini: {provider: cloud, model: gpt-4o-mini}")
        lines += [targets] if targets else []
        lines.append("routes:")
        lines.append(routes or "  - {name: qwen, when: {model: qwen}, use: qwen}\n  - {name: llama, use: llama}")
        gateway = Gateway(self._folder, "\n".join(lines) + "\n", workers=workers)
        self._stack.enter_context(running(gateway))
        return gateway


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(tmp_path, stack)


def asked(host: Simulator) -> int:
    return sum(1 for entry in host.seen() if entry["path"] == "/api/chat")


def hosts_seen(gateway: Gateway, count: int) -> None:
    """Waits until the worker has heard of all hosts."""

    def heard() -> bool:
        _, _, told = gateway.chat("llama", headers={"x-earthward-explain": "1"})
        endpoints = told["attempts"][0]["endpoints"]["endpoints"]
        return len(endpoints) == count and all("needs no load" not in endpoint["why"] for endpoint in endpoints)

    until(heard, "the worker to have heard of all hosts")


def many(
    gateway: Gateway, count: int, at_once: int, ask: Callable[[int], tuple[int, dict[str, str], Any]]
) -> list[int]:
    with ThreadPoolExecutor(at_once) as pool:
        return [status for status, _, _ in pool.map(ask, range(count))]


def test_requests_for_a_model_go_to_the_host_that_has_loaded_it(fleet: Fleet) -> None:
    cold, warm = fleet.host(), fleet.host()
    http("POST", f"{warm.url}/api/generate", {"model": "llama3.2", "options": {"num_ctx": 4096}, "shift": False})
    gateway = fleet.gateway()
    hosts_seen(gateway, 2)
    for number in range(6):
        assert gateway.chat("llama", f"question {number}")[0] == 200
    assert (asked(cold), asked(warm)) == (0, 6)


def test_a_load_under_way_is_waited_for_and_not_begun_at_every_host(fleet: Fleet) -> None:
    hosts = [fleet.host("--load", "1GB", *HOST[2:]) for _ in range(3)]
    gateway = fleet.gateway()
    hosts_seen(gateway, 3)
    statuses = many(gateway, 4, 4, lambda number: gateway.chat("llama", f"question {number}"))
    assert statuses == [200] * 4
    assert sorted(asked(host) for host in hosts) == [0, 0, 4]


def test_what_targets_keep_for_ever_is_loaded_before_anybody_asks(fleet: Fleet) -> None:
    hosts = [fleet.host(), fleet.host()]
    gateway = fleet.gateway(extra=", keep_alive: -1")

    def both() -> bool:
        return Counter(len(host["loaded"]) for host in gateway.status()["hosts"]) == {1: 2}

    until(both, "one model on each host")
    assert [asked(host) for host in hosts] == [0, 0]
    assert gateway.chat("qwen")[0] == 200
    assert [host.stats()["loads"] for host in hosts] == [1, 1], "whoever asked waited for no load"


def test_a_model_is_ready_once_a_host_has_loaded_it(fleet: Fleet) -> None:
    fleet.host("--load", "1GB", *HOST[2:])
    gateway = fleet.gateway()
    hosts_seen(gateway, 1)
    for path in ("/readyz/llama", "/readyz?model=llama3.2"):
        assert http("GET", gateway.url + path)[0] == 503
    assert gateway.chat("llama")[0] == 200
    for path in ("/readyz/llama", "/readyz?model=llama3.2"):
        assert http("GET", gateway.url + path)[0] == 200
    assert http("GET", f"{gateway.url}/readyz/qwen3:8b")[0] == 503
    assert http("GET", f"{gateway.url}/readyz")[0] == 200


ROLLOUT = """  - {name: trial, baseline: mini, candidate: llama, rollout: quick}
rollouts:
  quick: {stages: [100%], gates: [error_rate: {negligible: 20%, below: 5}], min_requests: 20, hold: 1h}"""


def test_a_stage_begins_when_the_candidate_is_loaded_so_that_nobody_waits_for_that(
    fleet: Fleet, cloud: Simulator
) -> None:
    # A load of eight seconds, so that there is time to look.
    host = fleet.host("--load", "250MB", *HOST[2:])
    gateway = fleet.gateway(routes=ROLLOUT, cloud=cloud)
    hosts_seen(gateway, 1)
    gateway.until_store()
    order = {"verb": "start", "by": "ada", "why": "it is time"}
    token = {"authorization": f"Bearer {gateway.token_file.read_text()}"}
    assert http("POST", f"{gateway.admin}/api/rollouts/trial", order, token)[0] == 200
    until(lambda: gateway.status()["waiting_for_loads"] == ["trial"], "the stage to wait")
    assert gateway.chat("any")[1]["x-earthward-target"] == "mini"
    assert asked(host) == 0
    until(lambda: gateway.chat("any")[1]["x-earthward-target"] == "llama", "the stage to begin")
    models = json.loads(http("GET", f"{host.url}/api/ps")[2])["models"]
    assert [(model["name"], model["context_length"]) for model in models] == [("llama3.2:latest", 4096)]
    assert host.stats()["loads"] == 1
    assert gateway.status()["waiting_for_loads"] == []


class BlackHole:
    """A port that takes connections into its queue and never answers."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        # The queue of one is filled, so that later connections are not even accepted by the kernel.
        self._fill = [self._begin() for _ in range(3)]

    def _begin(self) -> socket.socket:
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(self._socket.getsockname())
        return one

    def close(self) -> None:
        for each in [*self._fill, self._socket]:
            each.close()


def test_one_host_black_holed_one_failing_fast_and_one_slow_lose_no_request(fleet: Fleet) -> None:
    failing, slow = fleet.host(), fleet.host()
    failing.script(default={"fault": "500"})
    slow.script(default={"first": 0.1})
    hole = BlackHole()
    try:
        gateway = fleet.gateway(
            hole.url, failing.url, slow.url, provider=", deadlines: {connect: 300ms}, balance: least_busy"
        )
        statuses = many(gateway, 60, 4, lambda number: gateway.chat("llama", f"question {number}"))
        assert statuses == [200] * 60
        assert asked(failing) <= 20, "a host that fails fast attracts nothing"
        # It comes back, and is found to be well again by a trial.
        failing.script(default={})
        before = asked(failing)

        def is_asked_again() -> bool:
            assert gateway.chat("llama")[0] == 200
            return asked(failing) > before

        until(is_asked_again, "a trial")
    finally:
        hole.close()


def test_a_request_that_waits_at_a_host_that_hangs_is_answered_by_another(fleet: Fleet) -> None:
    hanging, well = fleet.host(), fleet.host()
    gateway = fleet.gateway(provider=", balance: round_robin")
    hosts_seen(gateway, 2)
    hanging.process.send_signal(signal.SIGSTOP)
    try:
        # Half of them go there first, and a deadline would let them wait for minutes.
        statuses = many(gateway, 4, 4, lambda number: gateway.chat("llama", f"question {number}", stream=number < 2))
        assert statuses == [200] * 4
        assert asked(well) == 4
    finally:
        hanging.process.send_signal(signal.SIGCONT)


def test_a_request_that_waits_at_the_only_host_is_not_given_up_while_that_hangs(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = fleet.gateway()
    hosts_seen(gateway, 1)
    host.process.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(gateway.chat, "llama")
            until(lambda: any(each["down"] for each in gateway.status()["hosts"]), "the host to count as down")
            time.sleep(1.5)
            host.process.send_signal(signal.SIGCONT)
            assert answer.result()[0] == 200
    finally:
        host.process.send_signal(signal.SIGCONT)


def test_a_dead_fleet_fails_over_within_one_request(fleet: Fleet, cloud: Simulator) -> None:
    hosts = [fleet.host() for _ in range(3)]
    routes = "  - {name: r, use: llama, fallback: [mini]}"
    gateway = fleet.gateway(routes=routes, cloud=cloud)
    for host in hosts:
        host.stop()

    def is_left_alone() -> bool:
        status, headers, _ = gateway.chat("llama")
        assert (status, headers["x-earthward-target"]) == (200, "mini")
        first, *_ = json.loads(gateway.row(headers["x-earthward-id"])["attempts"])
        return "left alone" in json.dumps(first)

    until(is_left_alone, "later ones not even to try")


def test_a_total_outage_makes_few_more_attempts_than_requests(fleet: Fleet) -> None:
    hosts = [fleet.host() for _ in range(2)]
    for host in hosts:
        host.script(default={"fault": "500"})
    gateway = fleet.gateway(provider=", balance: round_robin")
    started = time.monotonic()
    statuses = many(gateway, 200, 8, lambda number: gateway.chat("llama"))
    seconds = time.monotonic() - started
    assert set(statuses) <= {500, 502, 503}
    assert sum(map(asked, hosts)) <= 1.2 * 200 + 10 * (seconds + 10)


def test_those_beyond_the_slots_wait_in_the_gateway_and_not_at_the_host(fleet: Fleet) -> None:
    host = fleet.host(*HOST[:-4], "--disk", "llama3.2")
    http("POST", f"{host.url}/api/generate", {"model": "llama3.2", "options": {"num_ctx": 4096}, "shift": False})
    host.script(default={"tokens": 40})
    gateway = fleet.gateway(f"{{url: '{host.url}', slots: 2}}")
    busiest: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            stats = json.loads(http("GET", f"{host.url}/sim/stats")[2])
            busiest.append(stats.get("in_flight", stats.get("open", 0)))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        statuses = many(gateway, 24, 12, lambda number: gateway.chat("llama", f"question {number}"))
    finally:
        over.set()
        watcher.join()
    assert statuses == [200] * 24
    assert asked(host) == 24
    assert max(busiest) <= 2


def test_a_full_queue_refuses_at_once_and_says_when_to_come_again(fleet: Fleet) -> None:
    host = fleet.host()
    host.script(default={"tokens": 400})
    gateway = fleet.gateway(f"{{url: '{host.url}', slots: 1}}", provider=", queue: {length: 2, deadline: 20s}")
    refused: list[dict[str, str]] = []

    def ask(number: int) -> tuple[int, dict[str, str], Any]:
        answer = gateway.chat("llama", f"question {number}")
        if answer[0] in (429, 503):
            refused.append(answer[1])
        return answer

    statuses = many(gateway, 12, 12, ask)
    assert Counter(statuses)[200] >= 2
    assert refused
    assert all(int(headers["retry-after"]) >= 1 for headers in refused)
    took = {name: [row["duration"] for row in gateway.rows(12) if row["status"] == name] for name in ("ok", "failed")}
    assert min(took["failed"]) < min(took["ok"]), "at once: an answer takes a second, and they wait for none"


def test_a_busy_fleet_overflows_to_the_cloud_unless_the_data_may_not_leave(fleet: Fleet, cloud: Simulator) -> None:
    host = fleet.host()
    host.script(default={"tokens": 800})
    routes = "  - {name: r, use: llama, fallback: [mini]}"
    provider = ", queue: {overflow: 200ms, deadline: 15s}"
    gateway = fleet.gateway(f"{{url: '{host.url}', slots: 1}}", provider=provider, routes=routes, cloud=cloud)

    def ask(number: int) -> tuple[int, dict[str, str], Any]:
        headers = {"x-earthward-data-class": "health"} if number % 2 else {}
        return gateway.chat("llama", f"question {number}", headers=headers)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
    by_class = [
        (number % 2, headers.get("x-earthward-target"), status) for number, (status, headers, _) in enumerate(answers)
    ]
    assert any(target == "mini" for health, target, _ in by_class if not health)
    assert all(target != "mini" for health, target, _ in by_class if health)
    assert all(status in (200, 503) for *_, status in by_class)


def test_explain_gives_each_endpoints_score_and_the_queue(fleet: Fleet) -> None:
    warm, cold = fleet.host(), fleet.host()
    http("POST", f"{warm.url}/api/generate", {"model": "llama3.2", "options": {"num_ctx": 4096}, "shift": False})
    gateway = fleet.gateway()
    hosts_seen(gateway, 2)
    _, _, told = gateway.chat("llama", headers={"x-earthward-explain": "1"})
    (attempt,) = told["attempts"]
    first, second = attempt["endpoints"]["endpoints"]
    assert (first["url"], second["url"]) == (warm.url, cold.url)
    assert first["score"] < second["score"]
    assert first["why"].startswith("loaded")
    assert second["why"].startswith("not loaded")
    assert attempt["endpoints"]["waiting"] == 0


def test_the_switch_sends_everything_elsewhere_within_a_second_and_back(fleet: Fleet, cloud: Simulator) -> None:
    fleet.host()
    routes = "  - {name: r, baseline: mini, candidate: llama, share: 100%}"
    gateway = fleet.gateway(routes=routes, cloud=cloud)

    def served_by() -> str:
        return str(gateway.chat("llama")[1]["x-earthward-target"])

    def switch(to: str) -> dict[str, Any]:
        return dict(json.loads(earthward("switch", to, "-c", str(gateway.config), "--json").stdout))

    assert LOOK < 0.5, "it is looked for so often"
    assert served_by() == "llama"
    assert switch("cloud") == {"switch": "cloud", "in_force": True}
    until(lambda: served_by() == "mini", "the cloud to serve")
    status, headers, _ = gateway.chat("llama", headers={"x-earthward-data-class": "health"})
    assert (status, headers["x-earthward-target"]) == (200, "llama")
    assert switch("off") == {"switch": "off", "in_force": True}
    until(lambda: served_by() == "llama", "the house to serve again")


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_who_will_not_wait_is_served_by_another_target_in_time(
    fleet: Fleet, cloud: Simulator, stream: bool
) -> None:
    host = fleet.host()
    host.script(default={"first": 30})
    gateway = fleet.gateway(routes="  - {name: r, use: llama, fallback: [mini]}", cloud=cloud)
    headers = {"x-stainless-read-timeout": "8"}
    status, answered, _ = gateway.chat("llama", stream=stream, headers=headers)
    assert (status, answered["x-earthward-target"]) == (200, "mini")
    (row,) = gateway.rows(1)
    assert "timeout" in row["attempts"]
    assert row["duration"] < 8e9


def test_a_load_is_seen_through_though_the_caller_who_set_it_going_has_left(fleet: Fleet) -> None:
    host = fleet.host("--load", "1GB", *HOST[2:])
    gateway = fleet.gateway()
    hosts_seen(gateway, 1)
    with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2]))) as caller:
        body = json.dumps({"model": "llama", "messages": [{"role": "user", "content": "hello"}]}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
        caller.sendall(head.encode() + body)
        until(lambda: asked(host), "the request to reach the host")

    def is_loaded() -> bool:
        models = json.loads(http("GET", f"{host.url}/api/ps")[2])["models"]
        return [model["context_length"] for model in models] == [4096]

    until(is_loaded, "the load to be seen through")
    assert asked(host) == 1, "nobody asked again"


def test_a_prompt_that_is_too_long_for_one_target_goes_to_the_next_at_once(fleet: Fleet, cloud: Simulator) -> None:
    host = fleet.host()
    gateway = fleet.gateway(routes="  - {name: r, use: llama, fallback: [mini]}", cloud=cloud)
    status, headers, _ = gateway.chat("llama", "word " * 8000)
    assert (status, headers["x-earthward-target"]) == (200, "mini")
    assert asked(host) == 0
    status, headers, _ = gateway.chat("llama", "word " * 1000)
    assert (status, headers["x-earthward-target"]) == (200, "llama")


OLD = (*HOST, "--ollama-version", "0.12.3")


def test_an_answer_to_a_prompt_that_the_host_has_cut_is_a_failure_and_on_record(fleet: Fleet) -> None:
    fleet.host(*OLD)
    gateway = fleet.gateway()
    status, _, answer = gateway.chat("llama", "word " * 8000)
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    (row,) = gateway.rows(1)
    assert (row["status"], row["failure"]) == ("failed", "prompt_cut")


def test_a_prompt_that_is_cut_to_what_the_model_was_made_for_is_a_failure_however_much_was_asked_for(
    fleet: Fleet,
) -> None:
    fleet.host(*OLD)
    targets = "  long: {provider: gpus, model: 'qwen3:8b', context: 65536}"
    gateway = fleet.gateway(targets=targets, routes="  - {name: long, use: long}")
    hosts_seen(gateway, 1)
    status, _, answer = gateway.chat("long", "word " * 60_000)
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    (row,) = gateway.rows(1)
    assert (row["status"], row["failure"]) == ("failed", "prompt_cut")


@pytest.mark.parametrize(
    ("path", "word"),
    [("/v1/chat/completions", b'"error"'), ("/v1/messages", b"event: error"), ("/api/chat", b'{"error"')],
)
def test_a_stream_about_a_prompt_that_the_host_has_cut_ends_with_an_error_and_is_on_record(
    fleet: Fleet, path: str, word: bytes
) -> None:
    fleet.host(*OLD)
    gateway = fleet.gateway()
    messages = [{"role": "user", "content": "word " * 8000}]
    body = {"model": "llama", "messages": messages, "stream": True, "max_tokens": 20}
    status, _, text = slow_http(gateway.url + path, body)
    assert status == 200
    assert text.count(word) == 1
    assert b"[DONE]" not in text
    assert b"message_stop" not in text
    assert b'"done":true' not in text
    (row,) = gateway.rows(1)
    assert (row["status"], row["failure"]) == ("failed", "prompt_cut")


def test_a_caller_who_waits_long_for_a_stream_hears_heartbeats_until_it_begins_or_fails(fleet: Fleet) -> None:
    host = fleet.host()
    gateway = fleet.gateway(f"{{url: '{host.url}', slots: 2}}")

    def heard(ends_well: bool) -> None:
        script = {"first": 18, **({} if ends_well else {"fault": "error_first"})}
        messages = [{"role": "user", "content": f"hello sim:{json.dumps(script)}"}]
        body = {"model": "llama", "messages": messages, "stream": True}
        status, headers, text = slow_http(f"{gateway.v1}/chat/completions", body)
        assert status == 200
        assert text.startswith(b": waiting\n\n")
        assert "x-earthward-target" not in headers
        assert (b"[DONE]" in text) == ends_well
        assert (b'"error"' in text) != ends_well

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(heard, ends_well) for ends_well in (True, False)]:
            each.result()


SILENT = 22


def test_callers_of_every_dialect_hear_that_a_silent_stream_goes_on_and_their_sdks_read_it(fleet: Fleet) -> None:
    host = fleet.host(*HOST, "--slots", "16")
    gateway = fleet.gateway(f"{{url: '{host.url}', slots: 16}}")
    model = "llama"

    def messages(hello: str) -> list[Any]:
        return [{"role": "user", "content": hello}]

    def by_ollama(hello: str) -> str:
        client = ollama.Client(host=gateway.url)
        try:
            pieces = list(client.chat(model, messages=messages(hello), stream=True))
        finally:
            client._client.close()
        assert "" in [piece.message.content for piece in pieces[:-1]]
        return "".join(piece.message.content or "" for piece in pieces)

    def by_google(hello: str) -> str:
        with genai.Client(api_key="x", http_options=types.HttpOptions(base_url=gateway.url)) as client:
            pieces = client.models.generate_content_stream(model=model, contents=hello)
            return "".join(piece.text or "" for piece in pieces)

    def by_openai(hello: str) -> str:
        with openai.OpenAI(api_key="x", base_url=gateway.v1) as client:
            stream = client.chat.completions.create(model=model, messages=messages(hello), stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    def by_anthropic(hello: str) -> str:
        asked: Any = {"model": model, "messages": messages(hello), "max_tokens": 50}
        with (
            anthropic.Anthropic(api_key="x", base_url=gateway.url) as client,
            client.messages.stream(**asked) as stream,
        ):
            return "".join(stream.text_stream)

    def on_the_wire(hello: str) -> str:
        body = {"model": model, "messages": messages(hello), "stream": True, "max_tokens": 50}
        _, _, text = slow_http(f"{gateway.v1}/chat/completions", body)
        assert 1 <= text.count(b": waiting\n\n") <= 3
        return "t0 t1" if b"[DONE]" in text else ""

    callers = (by_ollama, by_google, by_openai, by_anthropic, on_the_wire)
    hellos = [f"hello sim:{json.dumps({silence: SILENT, 'tokens': 2})}" for silence in ("first", "gap")]
    with ThreadPoolExecutor(10) as pool:
        said = [pool.submit(each, hello) for each in callers for hello in hellos]
        assert [each.result().split() for each in said] == [["t0", "t1"]] * 10


def slow_http(url: str, body: Any) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


@pytest.mark.parametrize(("buffer", "served_by"), [(2000, "mini"), (0, None)])
def test_a_stream_that_breaks_within_what_is_held_back_begins_anew_elsewhere_and_nothing_is_doubled(
    fleet: Fleet, cloud: Simulator, buffer: int, served_by: str | None
) -> None:
    host = fleet.host()
    host.script(default={"fault": "reset_mid_body", "tokens": 100})
    cloud.script(default={"tokens": 30})
    routes = f"  - {{name: r, use: llama, fallback: [mini], buffer: {buffer}}}"
    gateway = fleet.gateway(f"{{url: '{host.url}', slots: 1}}", routes=routes, cloud=cloud)
    body = {"model": "llama", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    status, headers, text = slow_http(f"{gateway.v1}/chat/completions", body)
    assert status == 200
    lines = [line[6:] for line in text.decode().split("\n\n") if line.startswith("data: {")]
    chunks = [json.loads(line) for line in lines]
    words = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk.get("choices"))
    if served_by:
        assert headers["x-earthward-target"] == served_by
        assert words.split() == [f"t{number}" for number in range(30)]
    else:
        assert words
        assert any("error" in chunk for chunk in chunks)
