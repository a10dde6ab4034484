"""A candidate that dies, for callers and targets of each dialect: rescued before the first content event, never after.

What goes wrong stands in the candidate's model name, so the baseline is asked for an answer that is well.
"""

import json
from collections.abc import Iterator
from itertools import product

import pytest

from callers import DIALECTS, Answer, ask, ends_well, error_in_stream, error_of
from harness import Gateway, Simulator, running
from vendors import MODELS, one_of_each, provider

BEFORE = ("reset_before_head", "500", "empty", "error_first")
AFTER = ("reset_mid_body", "early_eof", "cut_short", "no_done")
PAIRS = [f"{caller} {candidate}" for caller, candidate in product(DIALECTS, DIALECTS)]
BASELINE_OF = {"openai": "anthropic", "anthropic": "ollama", "ollama": "openai"}
"""By the candidate's dialect."""


class Stage:
    """A candidate of each dialect with each fault in the house, and their baselines in the cloud."""

    def __init__(self, gateway: Gateway, clouds: dict[str, Simulator]) -> None:
        self.gateway = gateway
        self._clouds = clouds

    def ask(self, pair: str, fault: str, *, stream: bool) -> Answer:
        caller, candidate = pair.split()
        script = json.dumps({"tokens": 30, "rate": 1000})
        return ask(self.gateway.url, caller, f"{candidate}-{fault}", f"Hello. sim:{script}", stream=stream)

    def asked_of_clouds(self) -> int:
        return sum(entry["method"] == "POST" for each in self._clouds.values() for entry in each.seen())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("fallback")
    with one_of_each(folder, "cloud") as clouds, one_of_each(folder, "house") as houses:
        gateway = Gateway(folder, _config(clouds, houses))
        with running(gateway):
            yield Stage(gateway, clouds)


def _config(clouds: dict[str, Simulator], houses: dict[str, Simulator]) -> str:
    lines = ["listen: 127.0.0.1:0", "admin: 127.0.0.1:0", "auth: open", "providers:"]
    for dialect in DIALECTS:
        lines.append(f"  {dialect}: {provider(dialect, clouds[dialect].url, 'cloud')}")
        lines.append(f"  house-{dialect}: {provider(dialect, houses[dialect].url, 'local')}")
    lines.append("targets:")
    lines += [f"  {dialect}: {{provider: {dialect}, model: {MODELS[dialect]}}}" for dialect in DIALECTS]
    candidates = [(dialect, fault, f"{dialect}-{fault}") for dialect in DIALECTS for fault in (*BEFORE, *AFTER)]
    for dialect, fault, name in candidates:
        lines.append(f'  {name}: {{provider: house-{dialect}, model: "{MODELS[dialect]}+sim:fault={fault}"}}')
    lines.append("routes:")
    for dialect, _, name in candidates:
        arms = f"baseline: {BASELINE_OF[dialect]}, candidate: {name}, share: 100%"
        lines.append(f"  - {{name: {name}, when: {{model: {name}}}, {arms}}}")
    return "\n".join(lines)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", BEFORE)
@pytest.mark.parametrize("pair", PAIRS)
def test_before_the_first_content_event_the_fallback_serves(stage: Stage, pair: str, fault: str, stream: bool) -> None:
    if fault == "error_first" and not stream:
        fault = "500"
    caller, candidate = pair.split()
    answer = stage.ask(pair, fault, stream=stream)
    assert answer.status == 200, answer.body
    assert b"t29" in answer.body
    assert not stream or ends_well(caller, answer.body)
    assert answer.headers["x-earthward-target"] == BASELINE_OF[candidate]
    row = stage.gateway.row(answer.id)
    assert (row["status"], row["failure"], row["target"]) == ("ok", None, BASELINE_OF[candidate])
    assert row["arm"] == "candidate", "it counts against the arm that was drawn"
    first, second = (attempt for attempt in json.loads(row["attempts"]) if "kept connection" not in attempt[2])
    assert first[0] == f"{candidate}-{fault}"
    assert first[6] is not None, "the first has its failure on record"
    assert (second[0], second[6]) == (BASELINE_OF[candidate], None)


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("pair", PAIRS)
def test_after_it_the_stream_ends_in_an_error_and_is_never_restarted(stage: Stage, pair: str, fault: str) -> None:
    caller, candidate = pair.split()
    if fault == "no_done" and candidate == "openai":
        # Its last event is [DONE], and the reason why the answer ended came before it.
        fault = "cut_short"
    before = stage.asked_of_clouds()
    answer = stage.ask(pair, fault, stream=True)
    assert answer.status == 200
    assert b"t0" in answer.body
    assert not ends_well(caller, answer.body)
    assert error_in_stream(caller, answer.body) is not None
    row = stage.gateway.row(answer.id)
    assert (row["status"], row["failure"], row["arm"]) == ("failed", "broken_stream", "candidate")
    assert stage.asked_of_clouds() == before
    assert len([attempt for attempt in json.loads(row["attempts"]) if "kept connection" not in attempt[2]]) == 1


@pytest.mark.parametrize("pair", PAIRS)
def test_a_whole_answer_that_breaks_off_is_rescued_too(stage: Stage, pair: str) -> None:
    caller, candidate = pair.split()
    answer = stage.ask(pair, "reset_mid_body", stream=False)
    assert answer.status == 200, error_of(caller, answer)
    assert answer.headers["x-earthward-target"] == BASELINE_OF[candidate]
