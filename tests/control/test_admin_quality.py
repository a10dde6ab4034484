"""The report on answers as the admin API gives it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from earthward.config.snapshot import Route, Sampling, Snapshot, Target
from earthward.control.admin_quality import MOST_EXAMPLES, serve_quality
from earthward.control.standing import Standing
from earthward.rollout.plan import Gate, Plan, Stage
from earthward.store import quality, tables
from earthward.store.content import ContentKeys
from earthward.store.quality import Answered, Content, Kept, Looked, Pair

KEYS = ContentKeys(["k" * 32])
TARGETS = (Target("mini", "openai", "gpt-4o-mini", "cloud"), Target("llama", "house", "llama3.1:8b", "local"))
ROUTE = Route("chat", baseline="mini", candidate="llama", sampling=Sampling(judge="mini"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = tables.open(f"sqlite:///{tmp_path}/store.db")
    for number in range(60):
        name, epoch = f"x{number}", number % 2
        content = Content("what?", Answered("mini", "an answer"), Answered("llama", ""))
        kept = Kept(name, "chat", "", number, time.time_ns() + 10**15, content)
        pair = Pair(name, "chat", "", number, name, 1, epoch, "j", 0.5, "mini", 9, 0, None, None)
        quality.keep(engine, KEYS, [Looked(kept, pair)])
    yield engine
    engine.dispose()


@pytest.fixture
def ask(engine: Engine) -> Callable[..., tuple[int, Any]]:
    def asked(path: str, route: Route = ROUTE, epoch: int | None = None, is_open: bool = True) -> tuple[int, Any]:
        standing = None if epoch is None else Standing("chat", "p", "shadow", "", 0, 1, epoch, None, "", 0)
        standings = {} if standing is None else {"chat": standing}
        app = FastAPI()
        snapshot = Snapshot("v", "d", (), TARGETS, (route, Route("plain", use="mini")))
        serve_quality(app, lambda: snapshot, lambda: standings, lambda: (engine, KEYS) if is_open else None)
        with TestClient(app) as client:
            answer = client.get(path)
        return answer.status_code, answer.json()

    return asked


def test_all_pairs_are_told_without_a_rollout_and_those_of_its_epoch_with_one(ask) -> None:
    assert ask("/api/rollouts/chat/quality")[1]["tasks"][0]["pairs"] == 60
    assert ask("/api/rollouts/chat/quality", epoch=0)[1]["tasks"][0]["pairs"] == 60, "it has not begun"
    status, told = ask("/api/rollouts/chat/quality", epoch=1)
    assert (status, told["epoch"], told["tasks"][0]["pairs"]) == (200, 1, 30)


@pytest.mark.parametrize(("wanted", "shown"), [(0, 0), (-5, 0), (3, 3), (10**6, MOST_EXAMPLES)])
def test_content_is_shown_only_where_examples_are_asked_for_and_not_too_many(ask, wanted, shown) -> None:
    told = ask(f"/api/rollouts/chat/quality?examples={wanted}")[1]
    assert len(told["examples"]) == shown
    assert all(it["content"]["baseline"]["text"] == "an answer" for it in told["examples"])


def test_a_plan_says_how_sure_and_how_good(ask) -> None:
    plan = msgspec.msgpack.encode(
        Plan("p", (), Stage(10_000), (Gate("quality", "guardrail", margin=0.1),), certify_alpha=0.01)
    )
    told = ask("/api/rollouts/chat/quality", msgspec.structs.replace(ROUTE, plan=plan))[1]
    assert (told["margin"], told["alpha"]) == (0.1, 0.01)
    assert ask("/api/rollouts/chat/quality")[1]["margin"] == 0.05


def test_a_route_without_a_judge_is_told_as_that(ask) -> None:
    no_judge = msgspec.structs.replace(ROUTE, sampling=Sampling())
    assert "no `judge`" in ask("/api/rollouts/chat/quality", no_judge)[1]["warnings"][0]
    assert "same family" in ask("/api/rollouts/chat/quality")[1]["warnings"][0]


@pytest.mark.parametrize("route", ["plain", "nowhere", "%00", "x" * 3000])
def test_a_route_without_two_arms_has_no_report(ask, route) -> None:
    status, told = ask(f"/api/rollouts/{route}/quality")
    assert status == 404
    assert told["problem"].endswith("has two arms; those that have: chat")


def test_while_the_store_is_away_it_is_said_so(ask, engine) -> None:
    status, told = ask("/api/rollouts/chat/quality", is_open=False)
    assert (status, told) == (503, {"problem": "the store is not open yet; try again in a moment"})
    tables.pairs.drop(engine)
    assert ask("/api/rollouts/chat/quality")[0] == 503
