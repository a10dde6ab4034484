import contextlib
import json
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from earthward.chat.usage import Count, Source, Usage
from earthward.config.snapshot import OwnMetric
from earthward.control.own_metrics import BATCH, LARGEST, LEFT_ALONE, TOO_SLOW, CantMeasure, OwnMetrics
from earthward.ledger.record import Record
from earthward.rollout.event import Event
from earthward.rollout.own import shown, with_own

LONG = "def is_bad(exchange):\n    return None if exchange['status'] != 'ok' else exchange['characters_out'] > 10\n"
RECORDS = [Record(f"x{count}", 10**9, "ok", route="chat", arm="candidate", characters_out=count) for count in (5, 50)]


@pytest.fixture
def metrics() -> Iterator[OwnMetrics]:
    it = OwnMetrics(lambda: 0.0)
    yield it
    it.close()


@pytest.fixture
def written(tmp_path: Path, metrics: OwnMetrics) -> Callable[..., OwnMetrics]:
    """A metric `mine` whose file says this."""

    def write(text: str, timeout: float = 60.0) -> OwnMetrics:
        file = tmp_path / "mine.py"
        file.write_text(text)
        metrics.take_over([OwnMetric("mine", str(file), timeout=timeout)])
        return metrics

    return write


def said(it: OwnMetrics, records: list[Record] | None = None) -> list[Any]:
    verdicts = [each["mine"] for each in it.verdicts(["mine"], RECORDS if records is None else records)]
    return [str(each) if isinstance(each, CantMeasure) else each for each in verdicts]


def test_a_file_says_of_each_exchange_whether_it_is_bad(written):
    assert said(written(LONG)) == [False, True]
    assert said(written(LONG), [Record("x", 1, "cancelled")]) == [None]
    assert len(said(written(LONG), [RECORDS[0]] * 250)) == 250


def test_a_changed_file_counts_at_once(written, tmp_path):
    assert said(written(LONG)) == [False, True]
    (tmp_path / "mine.py").write_text("def is_bad(exchange): return True\n")
    (tmp_path / "mine.py").touch()
    assert said(written("def is_bad(exchange): return True\n")) == [True, True]


@pytest.mark.parametrize(
    ("text", "why", "timeout"),
    [
        ("def is_bad(exchange: pass", "SyntaxError", 60.0),
        ("import nothing_of_that_name", "ModuleNotFoundError", 60.0),
        ("x = 1", "has no function `is_bad(exchange)`", 60.0),
        ("raise SystemExit('gone')", "gone", 60.0),
        ("import os\ndef is_bad(exchange): os._exit(3)", "it ended", 60.0),
        ("import time\ndef is_bad(exchange): time.sleep(60)", "no answer within 0.2 s", 0.2),
    ],
)
def test_a_file_that_is_broken_measures_nothing_and_says_why(written, text, why, timeout):
    it = written(text, timeout)
    verdicts = said(it)
    assert len(verdicts) == 2
    assert why in verdicts[0]
    assert why in it.problems["mine"]


def test_what_fails_for_one_exchange_says_nothing_of_the_others(written):
    it = written("def is_bad(exchange):\n    print('noise')\n    return 1 / (exchange['characters_out'] - 5) > 0\n")
    assert said(it) == ["ZeroDivisionError: division by zero", True]
    assert said(written("def is_bad(exchange): return 'yes'\n")) == ["it said str, not True, False or None"] * 2


def test_one_that_hangs_is_left_alone_for_a_while(tmp_path):
    now = [0.0]
    it = OwnMetrics(lambda: now[0])
    awake = tmp_path / "awake"
    hangs = f"import os, time\nif not os.path.exists({str(awake)!r}): time.sleep(60)\n"
    (tmp_path / "mine.py").write_text(hangs + LONG)
    it.take_over([OwnMetric("mine", str(tmp_path / "mine.py"), timeout=0.2)])
    assert "no answer" in said(it)[0]
    awake.touch()
    assert "no answer" in said(it)[0], "asked nothing"
    now[0] = LEFT_ALONE
    assert said(it) == [False, True]
    assert it.problems == {}
    it.close()


def test_a_file_that_can_not_be_started_measures_nothing_and_says_why(written):
    """A gateway without a free descriptor has other cares, but its rollouts go on by what else they have."""
    it, (soft, hard) = written(LONG), resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        verdicts = said(it)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(verdicts) == 2
    assert "Too many open files" in it.problems["mine"]


def test_a_file_does_not_see_the_gateways_secrets(written, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert said(written("import os\ndef is_bad(exchange): return 'OPENAI_API_KEY' in os.environ\n")) == [False, False]


MANY = [RECORDS[0]] * 100
FORKS = """
import os, time
def is_bad(exchange):
    if exchange['characters_out'] == 5 and os.fork() == 0:
        {setsid}
        open({told!r}, "w").write(str(os.getpid()))
        time.sleep(600)
        os._exit(0)
    while not os.path.exists({told!r}):
        time.sleep(0.01)
    time.sleep(600)
"""


def test_one_that_never_reads_what_it_is_asked_keeps_nobody_waiting(written):
    it = written("import time\ntime.sleep(60)\n", timeout=0.1)
    assert len(json.dumps([shown(each) for each in MANY])) > 65_536 // 2
    assert "no answer" in said(it, MANY)[0]


def test_a_file_that_was_left_alone_is_asked_again_at_once_when_it_changes(written, tmp_path):
    it = written("def is_bad(exchange: pass")
    assert "SyntaxError" in said(it)[0]
    (tmp_path / "mine.py").write_text("def is_bad(exchange): return True\n")
    assert said(it) == [True, True]
    assert it.problems == {}


@pytest.mark.parametrize("setsid", ["pass", "os.setsid()"])
def test_one_that_forks_and_hangs_is_ended_though_its_child_holds_the_line_open(written, setsid, tmp_path):
    told = tmp_path / "child"
    it = written(FORKS.format(setsid=setsid, told=str(told)), timeout=0.2)
    began = time.monotonic()
    assert "no answer" in said(it)[0]
    assert time.monotonic() - began < 300, "nobody waits for what it has started"
    if setsid != "pass" and told.exists():
        os.kill(int(told.read_text()), signal.SIGKILL)


def test_a_copy_that_it_makes_of_itself_answers_nothing(written):
    it = written("import os\ndef is_bad(exchange):\n    os.fork()\n    return exchange['characters_out'] > 10\n")
    assert [said(it, [each]) for each in RECORDS * 5] == [[False], [True]] * 5


def test_what_it_prints_does_not_grow_without_end(written):
    it = written("def is_bad(exchange):\n    print('x' * 400_000)\n    return False\n")
    for _ in range(8):
        assert said(it, RECORDS[:1]) == [False]
    (asked,) = [each for _, each in it._metrics.values()]
    assert os.fstat(asked._errors.fileno()).st_size < 4 * LARGEST


@pytest.fixture
def service() -> Iterator[tuple[str, list[Any]]]:
    """Answers with what is in the list, one after another."""
    answers: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = answers.pop(0) if answers else [each["characters_out"] > 10 for each in asked]
            status, body = (answer, b"") if isinstance(answer, int) else (200, json.dumps(answer).encode())
            self.send_response_only(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_is_asked_by_http(service, metrics):
    url, _ = service
    metrics.take_over([OwnMetric("mine", url=url)])
    assert said(metrics) == [False, True]


@pytest.mark.parametrize(("answer", "why"), [(500, "it answered 500"), ([True], "no list"), ({"a": 1}, "no list")])
def test_a_service_that_answers_wrongly_measures_nothing(service, metrics, answer, why):
    url, answers = service
    answers.append(answer)
    metrics.take_over([OwnMetric("mine", url=url)])
    assert why in said(metrics)[0]


OF_ONE = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"


@pytest.fixture
def raw() -> Iterator[Callable[..., str]]:
    """Services that send these bytes, one by one if slow; the URL of each."""
    servers: list[socket.socket] = []
    stop = threading.Event()

    def serve(answer: bytes, *, slow: bool = False) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as connection:
                connection.recv(65_536)
                for piece in (bytes([byte]) for byte in answer) if slow else (answer,):
                    connection.sendall(piece)
                    if slow and stop.wait(0.05):
                        return

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    yield serve
    stop.set()
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 70_000 + b"\r\n\r\n[false]",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n[false]",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        OF_ONE + b"[" * 100_000,
        OF_ONE + b"\xff",
        OF_ONE + b"1" * 5000,
        b"HTTP/1.1 302 Found\r\nlocation: file:///etc/hostname\r\n\r\n",
    ],
)
def test_a_service_that_answers_nonsense_measures_nothing(raw, metrics, answer):
    metrics.take_over([OwnMetric("mine", url=raw(answer), timeout=60.0)])
    assert "it " in said(metrics)[0]


def test_a_service_that_answers_byte_by_byte_keeps_nobody_waiting_longer_than_its_timeout(raw, metrics):
    metrics.take_over([OwnMetric("mine", url=raw(OF_ONE + b"[false, false]" + b" " * 10_000, slow=True), timeout=0.2)])
    assert "no answer within 0.2 s" in said(metrics)[0]
    ((_, service),) = metrics._metrics.values()
    with pytest.raises(CantMeasure, match="not answered what it was asked before"):
        service.ask([])


@pytest.mark.parametrize("verdict", [float("nan"), 1, [], {"a": 1}])
def test_a_verdict_of_another_kind_is_none(service, metrics, verdict):
    url, answers = service
    answers.append([verdict, True])
    metrics.take_over([OwnMetric("mine", url=url)])
    assert said(metrics) == [f"it said {type(verdict).__name__}, not true, false or null", True]


def test_its_words_can_be_told_whatever_is_in_them(written):
    it = written("def is_bad(exchange): raise ValueError('\\udc80')")
    assert said(it) == ["ValueError: \\udc80"] * 2
    assert json.dumps(it.problems, ensure_ascii=False).encode()


def test_one_that_is_slow_is_asked_for_a_while_in_each_turn_and_keeps_the_store_waiting_no_longer(tmp_path):
    clock = count(0.0, 0.6)
    it = OwnMetrics(clock=lambda: next(clock))
    try:
        (tmp_path / "mine.py").write_text("def is_bad(exchange): return False\n")
        it.take_over([OwnMetric("mine", str(tmp_path / "mine.py"), timeout=60.0)])
        for _ in range(2):
            it.begin_turn()
            told = said(it, RECORDS[:1] * (5 * BATCH))
            assert told == [False] * (2 * BATCH) + [TOO_SLOW] * (3 * BATCH)
            assert it.problems == {"mine": TOO_SLOW}
    finally:
        it.close()


def test_a_metric_that_is_gone_measures_nothing(metrics):
    assert said(metrics) == ["it is not in the configuration"] * 2


def test_what_a_metric_says_becomes_part_of_the_event():
    event = Event(1.0, "u", "candidate", 500, bad=("truncated",), checked=("truncated",))
    told = with_own(event, {"mine": True, "other": False, "silent": None, "broken": CantMeasure("x")})
    assert told.bad == ("truncated", "mine")
    assert told.checked == ("truncated", "mine", "other")
    assert told.unmeasured == ("broken",)


def test_an_exchange_is_shown_in_seconds_and_dollars_and_without_what_was_said():
    usage = Usage(input=Count(12, Source.REPORTED))
    it = shown(Record("x", 2 * 10**9, "ok", first_content=5 * 10**8, duration=10**9, cost=10**9, usage=usage))
    assert (it["accepted_at"], it["ttft_s"], it["duration_s"], it["cost_usd"]) == (2.0, 0.5, 1.0, 1.0)
    assert (it["input_tokens"], it["output_tokens"]) == (12, None)
    assert json.dumps(it)
