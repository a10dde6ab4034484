"""A candidate that dies, for callers and targets of each dialect: rescued before the first content event, never after.

What goes wrong stands in the candidate's model name, so the baseline is asked for an answer that is well. All are asked
at once; each test looks at what came of its own.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, NamedTuple

import pytest

from callers import DIALECTS, Answer, ask, ends_well, error_in_stream
from harness import Gateway, Simulator, attempts_of, running
from vendors import MODELS, one_of_each, provider

BEFORE = ("reset_before_head", "500", "empty")
BEFORE_IN_STREAMS = "error_first"
AFTER = ("reset_mid_body", "early_eof", "cut_short", "no_done")
BASELINE_OF = {"openai": "anthropic", "anthropic": "ollama", "ollama": "openai"}
"""By the candidate's dialect."""
AT_ONCE = 12


class Cell(NamedTuple):
    """`candidate` is its dialect, `word` in no other request."""

    caller: str
    candidate: str
    fault: str
    stream: bool

    @property
    def target(self) -> str:
        return f"{self.candidate}-{self.fault}-{'streamed' if self.stream else 'whole'}"

    @property
    def word(self) -> str:
        return f"{self.caller}-from-{self.target}-end"


def _cells(faults: tuple[str, ...], *streams: bool) -> list[Cell]:
    return [Cell(*cell) for cell in product(DIALECTS, DIALECTS, faults, streams)]


# Half of a whole answer has not been shown to anybody, so it is rescued too.
RESCUED = [*_cells(BEFORE, False, True), *_cells((BEFORE_IN_STREAMS,), True), *_cells(("reset_mid_body",), False)]
# OpenAI's last event is [DONE], and the reason why the answer ended came before it.
BROKEN = [cell for cell in _cells(AFTER, True) if (cell.candidate, cell.fault) != ("openai", "no_done")]


class Ran(NamedTuple):
    """`sent_to_clouds` is all that the baselines have seen."""

    answers: dict[Cell, Answer]
    rows: list[dict[str, Any]]
    sent_to_clouds: str

    def row(self, cell: Cell) -> dict[str, Any]:
        (row,) = [row for row in self.rows if row["id"] == self.answers[cell].id]
        return row


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("fallback")
    cells = [*RESCUED, *BROKEN]
    with one_of_each(folder, "cloud") as clouds, one_of_each(folder, "house") as houses:
        gateway = Gateway(folder, _config(clouds, houses))
        with running(gateway):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                answers = dict(zip(cells, pool.map(lambda cell: _ask(gateway, cell), cells), strict=True))
            logs = [cloud.whole_log() for cloud in clouds.values()]
            yield Ran(answers, gateway.rows(len(cells)), b"".join(logs).decode())


def _ask(gateway: Gateway, cell: Cell) -> Answer:
    script = json.dumps({"tokens": 30, "rate": 1000})
    return ask(gateway.url, cell.caller, cell.target, f"I am {cell.word}. sim:{script}", stream=cell.stream)


def _config(clouds: dict[str, Simulator], houses: dict[str, Simulator]) -> str:
    """Baselines in the cloud, and a candidate in the house for each thing that goes wrong.

    Each has a provider of its own: one that fails too often would be left alone, whoever else is behind it.
    """
    lines = ["listen: 127.0.0.1:0", "admin: 127.0.0.1:0", "auth: open", "providers:"]
    candidates = {cell.target: cell for cell in (*RESCUED, *BROKEN)}
    lines += [f"  {dialect}: {provider(dialect, clouds[dialect].url, 'cloud')}" for dialect in DIALECTS]
    for name, cell in candidates.items():
        lines.append(f"  house-{name}: {provider(cell.candidate, houses[cell.candidate].url, 'local')}")
    lines.append("targets:")
    lines += [f"  {dialect}: {{provider: {dialect}, model: {MODELS[dialect]}}}" for dialect in DIALECTS]
    for name, cell in candidates.items():
        model = f"{MODELS[cell.candidate]}+sim:fault={cell.fault}"
        lines.append(f'  {name}: {{provider: house-{name}, model: "{model}"}}')
    lines.append("routes:")
    for name, cell in candidates.items():
        arms = f"baseline: {BASELINE_OF[cell.candidate]}, candidate: {name}, share: 100%"
        lines.append(f"  - {{name: {name}, when: {{model: {name}}}, {arms}}}")
    return "\n".join(lines)


@pytest.mark.parametrize("cell", RESCUED, ids=lambda cell: cell.word)
def test_before_the_first_content_event_the_fallback_serves(ran: Ran, cell: Cell) -> None:
    answer, row, baseline = ran.answers[cell], ran.row(cell), BASELINE_OF[cell.candidate]
    assert answer.status == 200, answer.body
    assert b"t29" in answer.body
    assert not cell.stream or ends_well(cell.caller, answer.body)
    assert answer.headers["x-earthward-target"] == baseline
    assert (row["status"], row["failure"], row["target"]) == ("ok", None, baseline)
    assert row["arm"] == "candidate", "it counts against the arm that was drawn"
    first, second = attempts_of(row)
    assert first[0] == cell.target
    assert first[6] is not None, "the first has its failure on record"
    assert (second[0], second[6]) == (baseline, None)


@pytest.mark.parametrize("cell", BROKEN, ids=lambda cell: cell.word)
def test_after_it_the_stream_ends_in_an_error_and_is_never_restarted(ran: Ran, cell: Cell) -> None:
    answer, row = ran.answers[cell], ran.row(cell)
    assert answer.status == 200
    assert b"t0" in answer.body
    assert not ends_well(cell.caller, answer.body)
    assert error_in_stream(cell.caller, answer.body) is not None
    assert (row["status"], row["failure"], row["arm"]) == ("failed", "broken_stream", "candidate")
    assert cell.word not in ran.sent_to_clouds
    assert len(attempts_of(row)) == 1


def test_each_request_is_on_record_once(ran: Ran) -> None:
    assert len(ran.rows) == len(ran.answers)
