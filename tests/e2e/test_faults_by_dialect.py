"""Every fault, for callers and targets of each dialect, whole and streamed: the right error, one record, no hang.

All are asked at once; each test looks at what came of its own.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from callers import DIALECTS, Answer, ask, ends_well, error_in_stream, error_of
from google_cloud import service_account
from harness import Gateway, attempts_of, nobody, running
from vendors import CLOUDS, MODELS, cloud, cloud_target, one_of_each, provider

SOON = "first_byte: 1500ms"
PAUSE = "idle: 1500ms"
SHORTEST = 1_500_000_000
"""Nanoseconds."""
AT_ONCE = 24


class Fault(NamedTuple):
    """What a target does, and what it is called, by target where vendors say it in different words.

    `streamed` is None where a stream ends as a whole answer does, `begun` whether the caller has read something by
    then. A fault that whole answers can't have leaves them "ok". Only the `deadline` that it is to run into is a short
    one: whatever else takes its time on a busy machine is waited for.
    """

    whole: str
    streamed: str | None = None
    begun: bool = False
    script: dict[str, float] = {}
    by_target: dict[str, str] = {}
    deadline: str = ""

    def kind(self, stream: bool, target: str) -> str:
        if stream and self.streamed is not None:
            return self.by_target.get(f"{target} streamed", self.streamed)
        return self.by_target.get(target, self.whole)


SAYS_OVERLOADED = [f"{name}{how}" for name in ("anthropic", "gemini", "vertex") for how in ("", " streamed")]
WHOLE_IS_OK = dict.fromkeys(("anthropic", "gemini", "vertex"), "ok")

FAULTS = {
    "unreachable": Fault("unreachable"),
    "blackhole": Fault("timeout", deadline=SOON),
    "reset_before_head": Fault("reset"),
    "closed_before_head": Fault("reset"),
    "slow_first_byte": Fault("timeout", deadline=SOON),
    "slow_head": Fault("timeout", script={"wait": 0.1}, deadline=SOON),
    "not_http": Fault("malformed"),
    "endless_headers": Fault("malformed", script={"size": 400_000}),
    "html": Fault("malformed"),
    "html_502": Fault("upstream_error"),
    "empty": Fault("malformed", "broken_stream"),
    "gzip_bomb": Fault("malformed", script={"size": 100_000}),
    "broken_json": Fault("malformed", begun=True),
    "truncated_chunk": Fault("broken_stream", begun=True),
    "reset_mid_body": Fault("broken_stream", begun=True),
    "early_eof": Fault("broken_stream", begun=True),
    "stall": Fault("timeout", begun=True, deadline=PAUSE),
    "401": Fault("upstream_auth"),
    "403": Fault("upstream_auth"),
    "429": Fault("rate_limited", by_target={"ollama": "payment"}),
    "500": Fault("upstream_error"),
    "503": Fault("overloaded"),
    "error_event": Fault(
        "upstream_error",
        "upstream_error",
        begun=True,
        by_target=dict.fromkeys(SAYS_OVERLOADED, "overloaded"),
    ),
    "error_first": Fault("ok", "upstream_error", by_target=dict.fromkeys(SAYS_OVERLOADED, "overloaded") | WHOLE_IS_OK),
    "cut_short": Fault("ok", "broken_stream", begun=True),
    # OpenAI's answers are whole once there is a reason why they ended; not all who speak its dialect send [DONE].
    "no_done": Fault("ok", "broken_stream", begun=True, by_target={"openai streamed": "ok", "azure streamed": "ok"}),
}


class Told(NamedTuple):
    """What callers are told: one of these statuses, and the words in which OpenAI and Anthropic say it."""

    statuses: tuple[int, ...]
    openai: str
    anthropic: str


TOLD = {
    "unreachable": Told((502,), "server_error", "api_error"),
    "reset": Told((502,), "server_error", "api_error"),
    "timeout": Told((504,), "server_error", "timeout_error"),
    "malformed": Told((502,), "server_error", "api_error"),
    "broken_stream": Told((502,), "server_error", "api_error"),
    "upstream_error": Told((500, 502), "server_error", "api_error"),
    "upstream_auth": Told((502,), "upstream_error", "api_error"),
    "rate_limited": Told((429,), "rate_limit_error", "rate_limit_error"),
    "payment": Told((429, 402), "insufficient_quota", "billing_error"),
    "overloaded": Told((503, 529), "server_error", "overloaded_error"),
}

Cell = tuple[str, str, str, bool]
TARGETS = (*DIALECTS, *CLOUDS)
CELLS: list[Cell] = [
    *product(FAULTS, DIALECTS, DIALECTS, (False, True)),
    # One caller for each, in turn: what becomes of a failure was told by the cells before.
    *(
        (fault, caller, target, stream)
        for (fault, target, stream), caller in zip(
            product(FAULTS, CLOUDS, (False, True)), cycle(("openai", "openai", "anthropic", "ollama")), strict=False
        )
    ),
]


class Ran(NamedTuple):
    answers: dict[Cell, Answer]
    rows: list[dict[str, Any]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("faults")
    with one_of_each(folder, "sim", TARGETS) as simulators:
        urls = {name: each.url for name, each in simulators.items()}
        account = service_account(folder, urls["vertex"])
        with nobody() as dead, running(gateway := Gateway(folder, _config(urls, account, dead))):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                answers = dict(zip(CELLS, pool.map(lambda cell: _ask(gateway, cell), CELLS), strict=True))
            yield Ran(answers, gateway.rows(len(CELLS)))


DEADLINES = {"": "", SOON: "-soon", PAUSE: "-pause"}
"""How the name of a target with this deadline ends."""
DEAD = "-dead"


def _config(urls: dict[str, str], account: Path, dead: int) -> str:
    ways = [(end, stated, "") for stated, end in DEADLINES.items()] + [(DEAD, "", f"http://127.0.0.1:{dead}")]
    names = [(f"{vendor}{end}", vendor, url or urls[vendor], stated) for vendor in TARGETS for end, stated, url in ways]

    def of_provider(vendor: str, url: str, stated: str) -> str:
        deadlines = f", deadlines: {{{stated}}}" if stated else ""
        if vendor in CLOUDS:
            return cloud(vendor, url, account, deadlines)
        return provider(vendor, url, "cloud", deadlines)

    def of_target(name: str, vendor: str) -> str:
        return cloud_target(vendor, name) if vendor in CLOUDS else f"{{provider: {name}, model: {MODELS[vendor]}}}"

    return "\n".join(
        [
            *("listen: 127.0.0.1:0", "admin: 127.0.0.1:0", "auth: open", "providers:"),
            *(f"  {name}: {of_provider(vendor, url, stated)}" for name, vendor, url, stated in names),
            "targets:",
            *(f"  {name}: {of_target(name, vendor)}" for name, vendor, *_ in names),
            "routes:",
            *(f"  - {{name: {name}, when: {{model: {name}}}, use: {name}}}" for name, *_ in names),
        ]
    )


def _ask(gateway: Gateway, cell: Cell) -> Answer:
    fault, caller, target, stream = cell
    if fault == "unreachable":
        return ask(gateway.url, caller, target + DEAD, "Hello.", stream=stream)
    script = {"fault": fault, "tokens": 30, "rate": 1000, **FAULTS[fault].script}
    model = target + DEADLINES[FAULTS[fault].deadline]
    return ask(gateway.url, caller, model, f"Hello. sim:{json.dumps(script)}", stream=stream)


def _name(cell: Cell) -> str:
    fault, caller, target, stream = cell
    return f"{fault}-{caller}-from-{target}-{'streamed' if stream else 'whole'}"


@pytest.mark.parametrize("cell", CELLS, ids=_name)
def test_a_fault_ends_in_the_right_error_and_one_record(ran: Ran, cell: Cell) -> None:
    fault, caller, target, stream = cell
    answer = ran.answers[cell]
    (row,) = [row for row in ran.rows if row["id"] == answer.id]
    kind = FAULTS[fault].kind(stream, target)
    assert len(attempts_of(row)) == 1
    assert not FAULTS[fault].deadline or row["duration"] >= SHORTEST, "it was waited for as long as was said"
    if kind == "ok":
        assert (answer.status, row["status"], row["failure"]) == (200, "ok", None)
        assert not stream or ends_well(caller, answer.body)
        return
    assert (row["status"], row["failure"]) == ("failed", kind)
    error = _error(answer, caller, stream and FAULTS[fault].begun, TOLD[kind])
    assert error["message"]
    assert error.get("type") == {"openai": TOLD[kind].openai, "anthropic": TOLD[kind].anthropic}.get(caller)


def _error(answer: Answer, caller: str, begun: bool, told: Told) -> dict[str, Any]:
    if not begun:
        assert answer.status in told.statuses
        return error_of(caller, answer)
    assert answer.status == 200, "it had begun"
    assert not ends_well(caller, answer.body), "a broken stream never ends as a whole one does"
    error = error_in_stream(caller, answer.body)
    assert error is not None
    return error


def test_each_request_is_on_record_once(ran: Ran) -> None:
    assert sorted(row["id"] for row in ran.rows) == sorted(answer.id for answer in ran.answers.values())
