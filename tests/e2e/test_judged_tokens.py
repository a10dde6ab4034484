"""The whole way on real tokens: SmolLM2-135M against itself, and against a candidate that is broken, judged by rule.

Both arms are the same model and draw their answers from different seeds, so that they differ as two good answers do.
One slot and one request at a time: a run can be repeated. `make bench-judged` makes more pairs of it, and prints what
came of them. A model of this size is no judge: it mostly rambles. That it may be
asked all the same is shown with two pairs.
"""

import json
import os
import sqlite3
from contextlib import ExitStack, closing

import pytest

from earthward.bench.migration.referee import Referee, is_soup
from earthward.bench.migration.spoiler import Spoiler
from earthward.control.admin_quality import MARGIN
from earthward.engine import EngineProcess
from earthward.rollout.tasks import standing
from harness import ANSWERS_WITHIN, PATIENCE, Gateway, until

PAIRS = int(os.environ.get("JUDGED_PAIRS", "12"))
ALPHA = 0.05
EXPECTED = next(n for n in range(1, 100) if standing([1 / 8] * n, MARGIN, ALPHA).verdict == "not yet")
"""Pairs until it is known that answers are worse which lose seven times of eight: 16."""
THINGS = ("river", "winter", "bread", "horse", "moon", "garden", "train", "harbour", "paper", "friend", "doctor")
CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  here: {{kind: openai_compatible, base_url: "{here}/v1"}}
  again: {{kind: openai_compatible, base_url: "{again}/v1"}}
  soup: {{kind: openai_compatible, base_url: "{soup}/v1"}}
  cut: {{kind: openai_compatible, base_url: "{cut}/v1"}}
  referee: {{kind: openai_compatible, base_url: "{referee}/v1"}}
targets:
  smol: {{provider: here, model: SmolLM2-135M}}
  again: {{provider: again, model: SmolLM2-135M}}
  soup: {{provider: soup, model: SmolLM2-135M}}
  cut: {{provider: cut, model: SmolLM2-135M}}
  referee: {{provider: referee, model: rule}}
  rambler: {{provider: here, model: SmolLM2-135M}}
routes:
  - {{name: itself, when: {{model: itself}}, baseline: smol, candidate: again, share: 0%, shadow: {{rate: 100%}},
     judge: referee}}
  - {{name: soup, when: {{model: soup}}, baseline: smol, candidate: soup, share: 0%, shadow: {{rate: 100%}},
     judge: referee}}
  - {{name: cut, when: {{model: cut}}, baseline: smol, candidate: cut, share: 0%, shadow: {{rate: 100%}},
     judge: referee}}
  - {{name: rambling, when: {{model: real}}, baseline: smol, candidate: again, share: 0%,
     shadow: {{rate: 100%}}, judge: rambler}}
"""


def merit(text: str) -> int:
    """Says the more, the more long words there are in it; worst is what makes no sentence."""
    return -1 if is_soup(text) else len({word for word in text.lower().split() if len(word) > 5})


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with ExitStack() as ends:
        engine = EngineProcess.start(name="SmolLM2-135M", context=1024, slots=1)
        ends.callback(engine.stop)
        url = engine.wait_ready(PATIENCE).url
        parts = {
            "here": Spoiler(url, seed=1, temperature=0.8),
            "again": Spoiler(url, seed=2, temperature=0.8),
            "soup": Spoiler(url, "worse"),
            "cut": Spoiler(url, "cut", seed=2, temperature=0.8),
            "referee": Referee(merit),
        }
        for part in parts.values():
            ends.callback(part.close)
        urls = {name: part.url for name, part in parts.items()}
        gateway = Gateway(tmp_path_factory.mktemp("judged"), CONFIG.format(**urls))
        ends.callback(gateway.stop)
        gateway.until_store()
        until(lambda: (gateway.state / "content.sock").exists(), "the line for content")
        yield gateway


def pairs(gateway: Gateway, route: str) -> list[dict]:
    with closing(sqlite3.connect(f"file:{gateway.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM pairs WHERE route = ? ORDER BY rowid", (route,))]


def compared(gateway: Gateway, route: str, model: str, count: int) -> list[dict]:
    """So many pairs, one after the other."""
    while (number := len(pairs(gateway, route))) < count:
        text = (
            f"Write one short sentence about {number // len(THINGS) + 2} things and a {THINGS[number % len(THINGS)]}."
        )
        assert gateway.chat(model, text=text, max_tokens=16, stop=[".", "\n"])[0] == 200
        until(
            lambda number=number: len(pairs(gateway, route)) > number, f"pair {number + 1} of {route}", ANSWERS_WITHIN
        )
    return pairs(gateway, route)


def told(gateway: Gateway, route: str) -> dict:
    found = json.loads(gateway.admin_get(f"/api/rollouts/{route}/quality?examples=3")[2])
    (task,) = found["tasks"]
    print(f"{route}: {task['scored']} of {task['pairs']} pairs scored, {task['by_checks']} by checks")
    print(f"  mean {task['score']} between {task['low']} and {task['high']}: {found['verdict']}")
    return found


@pytest.mark.timeout(900 + 20 * PAIRS)
def test_smollm2_against_itself_is_a_tie_within_its_interval(gateway):
    scores = [row["score"] for row in compared(gateway, "itself", "itself", PAIRS)]
    found = told(gateway, "itself")
    assert len(set(scores)) > 1, "the arms' answers differ"
    assert found["tasks"][0]["scored"] == PAIRS
    assert found["tasks"][0]["low"] <= 0.5 <= found["tasks"][0]["high"]
    assert found["verdict"] != "not yet"


@pytest.mark.timeout(900 + 20 * PAIRS)
@pytest.mark.parametrize("broken", ["soup", "cut"])
def test_a_candidate_of_random_words_or_of_beginnings_is_found_within_the_expected_pairs(gateway, broken):
    scores = [row["score"] for row in compared(gateway, broken, broken, EXPECTED)]
    found = told(gateway, broken)
    assert found["verdict"] == "not yet"
    assert (found["margin"], found["alpha"]) == (MARGIN, ALPHA)
    needed = next(n for n in range(1, EXPECTED + 1) if standing(scores[:n], MARGIN, ALPHA).verdict == "not yet")
    print(f"  found after {needed} pairs")


@pytest.mark.timeout(900)
def test_a_model_that_rambles_as_a_judge_is_no_tie_and_its_family_is_warned_of(gateway):
    scores = [pair["score"] for pair in compared(gateway, "rambling", "real", 2)]
    found = told(gateway, "rambling")
    assert any("same family" in warning for warning in found["warnings"])
    assert found["tasks"][0]["scored"] == sum(score is not None for score in scores)

    def judged() -> list[dict]:
        return [row for row in gateway.rows(1) if row["path"] == "/earthward/judge" and row["route"] == "rambling"]

    assert {row["target"] for row in until(judged, "the judge on record")} == {"rambler"}
    assert found["verdict"] == "not enough evidence"
    assert all(example["content"]["candidate"]["text"] for example in found["examples"])
