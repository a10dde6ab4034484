"""Shadows of a running gateway: what they ask, may cost and tell, and what nobody ever sees of them."""

import json
import sqlite3
import time
from contextlib import closing

import pytest

from harness import Gateway, Simulator, until

ALWAYS = ", shadow: {rate: 100%, budget: 5 USD/day}"
CANARY = "canary-7f3a91"


def rows(gateway: Gateway, table: str) -> list[dict]:
    with closing(sqlite3.connect(f"file:{gateway.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def rows_of(gateway: Gateway, table: str, count: int) -> list[dict]:
    return until(lambda: len(found := rows(gateway, table)) >= count and found, f"{count} rows in {table}")


def figures(gateway: Gateway) -> dict[str, float]:
    """Of what looks at answers."""
    lines = gateway.admin_get("/metrics")[2].decode().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in found.items() if "sample" in name or "spend" in name}


@pytest.fixture
def begun(start, cloud, local):
    """A gateway with this said of its route, ready to take samples."""

    def begin(said: str = ALWAYS, **options) -> Gateway:
        gateway = start(cloud, local, share=options.pop("share", "0%"), route_extra=said, **options)
        until(lambda: json.loads(gateway.admin_get("/api/status")[2])["store"] == "ok", "the store")
        until(lambda: (gateway.state / "content.sock").exists(), "the line for content")
        return gateway

    return begin


def sent(gateway: Gateway, count: int, **fields) -> None:
    """So many requests, all of which were sampled."""

    def all_sampled() -> bool:
        return figures(gateway).get("earthward_samples_sent", 0) >= count

    for number in range(count):
        while True:
            before = figures(gateway)["earthward_samples_unsent"] if not number else 0
            assert gateway.chat(text=f"question {number}", **fields)[0] == 200
            # The line of a worker that has just started may not be up yet.
            if number or figures(gateway)["earthward_samples_unsent"] == before:
                break
            time.sleep(0.05)
    until(all_sampled, "the samples")


@pytest.mark.parametrize("stream", [False, True])
def test_a_shadow_asks_the_other_arm_and_the_caller_never_sees_it(begun, local, stream):
    local.script(default={"say": "the shadow's words"})
    gateway = begun()
    sent(gateway, 1)
    _, headers, body = gateway.chat(text="what is it?", stream=stream)
    assert headers["x-earthward-target"] == "mini"
    assert b"shadow's words" not in (body if stream else json.dumps(body).encode())
    assert len(rows_of(gateway, "pairs", 2)) == 2
    assert len(chats(local)) == 2


def test_shadows_are_booked_as_shadows_and_save_nothing(begun, cloud):
    gateway = begun()
    sent(gateway, 3)
    until(lambda: sum(row["path"] == "/earthward/shadow" for row in gateway.rows(6)) == 3, "three shadows on record")
    until(lambda: {row["purpose"] for row in rows(gateway, "money_sums")} == {"serve", "shadow"}, "the books")
    shadow = [row for row in rows(gateway, "money_sums") if row["purpose"] == "shadow" and row["grain"] == 1]
    assert sum(row["requests"] for row in shadow) == 3
    assert sum(row["saved"] for row in shadow) == sum(row["displaced"] for row in shadow) == 0


def test_what_may_not_leave_is_asked_of_no_cloud_by_a_shadow_or_a_judge(begun, cloud):
    """The candidate serves it in the house; its shadow would be the baseline, in the cloud."""
    gateway = begun(", pilots: [ada], shadow: {rate: 100%, budget: 5 USD/day}")
    ada = {"x-earthward-unit": "ada"}
    sent(gateway, 1, headers=ada)
    rows_of(gateway, "pairs", 1)
    assert len(chats(cloud)) == 1, "without a class, the shadow asks the cloud"
    for data_class in ("personal", "health", "secret", "no class at all"):
        headers = {**ada, "x-earthward-data-class": data_class}
        status, told, _ = gateway.chat(text=data_class, headers=headers)
        assert (status, told["x-earthward-target"]) == (200, "llama")
    assert gateway.chat(text="the last", headers=ada)[0] == 200
    rows_of(gateway, "pairs", 2)
    assert len(chats(cloud)) == 2, "the first and the last, none of those between"


def chats(simulator: Simulator) -> list[dict]:
    return [it for it in simulator.seen() if it["path"] == "/v1/chat/completions"]


def test_no_content_lies_in_the_open(begun):
    gateway = begun(", sampling: {rate: 100%}, shadow: {rate: 100%, budget: 5 USD/day}")
    gateway.chat(text="warm")
    sent(gateway, 1)
    gateway.chat(text=CANARY)
    until(lambda: len(rows(gateway, "samples")) >= 2, "the samples")
    gateway.stop()
    for path in gateway.config.parent.rglob("*"):
        if path.is_file() and path.name not in ("cloud.log", "local.log"):
            assert CANARY.encode() not in path.read_bytes(), path


def test_only_the_tasks_that_are_named_are_sampled(begun):
    gateway = begun(", sampling: {rate: 100%, tasks: [summary]}")
    sent(gateway, 1, headers={"x-earthward-task": "summary"})
    gateway.chat(text="x", headers={"x-earthward-task": "code"})
    gateway.chat(text="x")
    sent(gateway, 1, headers={"x-earthward-task": "summary"})
    assert {row["task"] for row in rows_of(gateway, "samples", 2)} == {"summary"}


def test_a_failing_candidate_is_found_without_anybody_meeting_it(begun, local):
    local.script(default={"fault": "500"})
    gateway = begun()
    sent(gateway, 2)
    pairs = rows_of(gateway, "pairs", 2)
    assert {row["candidate_bad"] for row in pairs} == {'["failed"]'}
    events = [json.loads(row["event"]) for row in rows(gateway, "later_events")]
    assert [(it["arm"], it["ok"]) for it in events[:2]] == [("baseline", True), ("candidate", False)]
