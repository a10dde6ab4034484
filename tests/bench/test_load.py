"""The load generator against the simulator: what it counts has to be what was injected."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop

from earthward.bench.load import Load, Plan, Report, endpoint, main, requests
from earthward.simulator import Simulator


def load(script: Any = None, *, seed: int = 0, **plan: Any) -> tuple[Report, dict[str, Any]]:
    """What the generator reports and what the simulator says itself."""

    async def play() -> tuple[Report, dict[str, Any]]:
        async with Simulator(seed=seed) as simulator:
            if script is not None:
                script(simulator)
            report = await Load(Plan(url=simulator.url, **plan)).run()
            return report, simulator.stats()

    return uvloop.run(play())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_as_many_requests_are_sent_as_were_ordered_and_all_are_well(stream):
    report, stats = load(requests=300, connections=7, stream=stream)
    assert (report.requests, report.ok, report.failed) == (300, 300, {})
    assert (stats["attempts"], stats["finished"], stats["output"]) == (300, 300, 300 * 24)
    assert report.opened == 7
    assert report.latency["p50"] is not None
    assert (report.ttft["p50"] is not None) == stream


def test_load_for_a_time_ends_with_every_answer_in():
    report, stats = load(seconds=1.0, connections=3)
    assert report.ok == stats["finished"] == stats["attempts"] > 3
    assert not report.failed


def test_at_a_rate_every_request_is_sent_at_its_time():
    report, stats = load(requests=100, rate=500, connections=20)
    assert (report.ok, stats["attempts"]) == (100, 100)
    assert report.seconds >= 99 / 500


def test_a_stalled_server_is_charged_for_the_requests_that_had_to_wait():
    # One connection, 0.02 s an answer, a request due every 0.005 s: the last waits for all before it.
    report, _ = load(requests=10, rate=200, connections=1, directive="first=0.02")
    assert report.latency["max"] is not None
    assert report.latency["max"] >= 10 * 20 - 9 * 5
    assert report.latency["min"] is not None
    assert report.latency["min"] >= 20


INJECTED = [
    ("500", False, "status_500"),
    ("429", True, "status_429"),
    ("reset_before_head", False, "no_answer"),
    ("closed_before_head", True, "no_answer"),
    ("reset_mid_body", True, "broken"),
    ("early_eof", False, "broken"),
    ("truncated_chunk", True, "broken"),
    ("wrong_length", False, "broken"),
    ("short_length", False, "extra_bytes"),
    ("bad_chunk_size", True, "malformed"),
    ("not_http", False, "malformed"),
    ("html", False, "short_text"),
    ("broken_json", False, "not_finished"),
    ("no_done", True, "no_done"),
    ("cut_short", True, "short_text"),
    ("silent", True, "short_text"),
    ("error_event", True, "short_text"),
    ("blackhole", False, "timeout"),
    ("stall", True, "timeout"),
]


@pytest.mark.parametrize(("fault", "stream", "counted"), INJECTED)
def test_every_injected_fault_is_counted_and_named(fault, stream, counted):
    def script(simulator: Simulator) -> None:
        simulator.script.queue({}, {"fault": fault}, times=3)

    timeout = 1.5 if counted == "timeout" else 90.0
    report, _ = load(script, requests=20, connections=3, stream=stream, timeout=timeout)
    assert report.failed == {counted: 3}
    assert (report.requests, report.ok) == (20, 17)


@pytest.mark.parametrize("fault", ["sliced", "slow_drip"])
def test_what_is_only_slow_or_in_small_pieces_is_not_counted_as_a_failure(fault):
    report, _ = load(requests=3, connections=3, stream=True, directive=f"fault={fault} wait=0.00001")
    assert (report.ok, report.failed) == (3, {})


def test_tokens_out_of_order_are_not_taken_for_an_answer():
    def script(simulator: Simulator) -> None:
        simulator.script.queue({"say": "t0 t2 t1 t3"}, {"say": "t0 t1 t1 t2 t3"}, {"say": "t0 t1 t2"})

    report, _ = load(script, requests=10, connections=1, stream=True, tokens=4)
    assert report.failed == {"wrong_text": 2, "short_text": 1}


def test_a_mix_of_faults_is_counted_as_the_server_counts_it():
    def script(simulator: Simulator) -> None:
        simulator.script.mix(**{"500": 0.2, "reset_before_head": 0.1, "no_done": 0.1})

    report, stats = load(script, seed=3, requests=200, connections=8, stream=True)
    faults = stats["faults"]
    named = {"status_500": faults["500"], "no_answer": faults["reset_before_head"], "no_done": faults["no_done"]}
    assert report.failed == named
    assert report.ok == 200 - sum(faults.values())


def test_a_server_that_is_gone_costs_requests_and_the_generator_ends():
    async def play() -> Report:
        async with Simulator() as simulator:
            simulator.refuse()
            return await Load(Plan(url=simulator.url, requests=5, connections=2)).run()

    report = uvloop.run(play())
    assert (report.ok, report.failed) == (0, {"refused": 5})


def test_a_server_that_comes_back_is_served_again():
    async def play() -> Report:
        async with Simulator() as simulator:
            load = Load(Plan(url=simulator.url, seconds=600, connections=4))
            loading = asyncio.create_task(load.run())
            while simulator.stats()["finished"] < 50:
                await asyncio.sleep(0.005)
            simulator.refuse(0.1)
            while simulator.stats()["finished"] < 150:
                await asyncio.sleep(0.005)
            load._stop_issuing()
            return await loading

    report = uvloop.run(play())
    assert report.failed["refused"] >= 1
    assert report.ok >= 150


def test_each_conversation_is_a_request_of_its_own():
    written = requests(Plan(url="http://x/v1", units=5, prompt=100, key="sk-x", headers=(("x-a", "b"),)))
    assert len(set(written)) == 5
    for request in written:
        head, _, body = request.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head
        assert b"authorization: Bearer sk-x" in head
        assert b"x-a: b" in head
        assert len(json.loads(body)["messages"][0]["content"]) > 100


@pytest.mark.parametrize(
    "url", ["http://h:1", "h:1", "http://h:1/v1", "http://h:1/v1/", "http://h:1/v1/chat/completions"]
)
def test_a_base_url_gets_its_path(url):
    assert endpoint(url).geturl() == "http://h:1/v1/chat/completions"


def test_what_is_no_url_is_refused():
    with pytest.raises(ValueError, match="not an HTTP URL"):
        endpoint("ftp://h")


@pytest.fixture
def served() -> Iterator[str]:
    command = [sys.executable, "-m", "earthward.simulator"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


def test_the_command_reports_in_words_and_as_json_and_says_whether_all_went_well(served, capsys):
    assert main([served, "--requests", "50", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] == 50
    assert main([served, "--requests", "10", "--stream", "--sim", "fault=no_done"]) == 1
    assert "no_done: 10" in capsys.readouterr().out
