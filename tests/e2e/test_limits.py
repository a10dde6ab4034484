"""Limits on keys, teams and targets, counted over four workers."""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

from earthward.gateway import board as columns
from earthward.gateway.board import Board
from earthward.ledger.record import Attempt
from harness import Gateway, earthward, http, until

Played = TypeVar("Played")
WORKERS = 4
STARTED = Attempt.__struct_fields__.index("started_at")
PRICED = ", price: {input: 1000000, output: 0}"
"""A dollar for a token of the prompt: the simulator counts a few for each request."""


def keys(gateway: Gateway, *words: str) -> Any:
    run = earthward("keys", *words, "-c", str(gateway.config), "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def known(gateway: Gateway, *options: str) -> tuple[str, dict[str, str]]:
    """A new key that all workers know: its id, and the header to send."""
    made = keys(gateway, "create", *options)
    bearer = {"authorization": f"Bearer {made['key']}"}

    def is_known() -> bool:
        return all(http("GET", f"{gateway.v1}/models", headers=bearer)[0] == 200 for _ in range(5 * WORKERS))

    until(is_known, "the key to be known")
    return made["id"], bearer


def hammer(
    gateway: Gateway, bearer: dict[str, str], count: int, at_a_time: int = 16
) -> list[tuple[int, dict[str, str]]]:
    with ThreadPoolExecutor(at_a_time) as threads:
        asked = [threads.submit(gateway.chat, headers=bearer) for _ in range(count)]
        return [each.result()[:2] for each in asked]


def in_one_minute(play: Callable[[], Played]) -> Played:
    """What came of it, played anew until no minute of the workers' clock began in the middle of it."""
    while True:
        minute = time.monotonic() // 60
        found = play()
        if time.monotonic() // 60 == minute:
            return found


def usage(gateway: Gateway, query: str = "") -> list[dict[str, Any]]:
    return list(json.loads(gateway.admin_get(f"/api/limits{query}")[2])["limits"])


def test_four_workers_together_let_no_more_requests_through_than_a_minute_holds(start, cloud, local):
    gateway = start(cloud, local, auth="keys", workers=WORKERS)
    all_refused: list[int] = []

    def play() -> tuple[str, list[tuple[int, dict[str, str]]], dict[str, Any]]:
        key, bearer = known(gateway, "--rpm", "40")
        answers = hammer(gateway, bearer, 120)
        all_refused.append(sum(status == 429 for status, _ in answers))
        return key, answers, usage(gateway, f"?scope=key&name={key}")[0]

    key, answers, used = in_one_minute(play)
    served = [headers for status, headers in answers if status == 200]
    refused = [headers for status, headers in answers if status == 429]
    assert len(served) + len(refused) == 120
    assert 40 <= len(served) <= 40 + WORKERS - 1
    assert all(1 <= int(headers["retry-after"]) <= 120 for headers in refused)
    assert all(headers["x-ratelimit-limit-requests"] == "40" for headers in served + refused)
    assert min(int(headers["x-ratelimit-remaining-requests"]) for headers in served) == 0
    rows = [row for row in gateway.rows(120 * len(all_refused)) if row["http_status"] == 429]
    assert f"the limit of key {key} is reached: 40 requests per minute (rpm)" in {row["message"] for row in rows}
    assert {row["arm"] for row in rows} == {"only"}
    assert (used["scope"], used["name"], used["limit"], used["of"], used["left"]) == ("key", key, "rpm", 40, 0)
    metrics = gateway.admin_get("/metrics")[2].decode()
    assert f'earthward_refused_by_limit_total{{limit="rpm",scope="key"}} {float(sum(all_refused))}' in metrics


def test_a_limit_is_changed_without_a_new_secret_and_taken_away_again(start, cloud):
    gateway = start(cloud, auth="keys", workers=2)
    names = (f"till {number}" for number in count())

    def play() -> tuple[str, str, dict[str, str], list[int]]:
        name = next(names)
        key, bearer = known(gateway, "--name", name, "--rpm", "1")
        return name, key, bearer, [gateway.chat(headers=bearer)[0] for _ in range(3)]

    name, key, bearer, statuses = in_one_minute(play)
    assert statuses[1:] == [429, 429]
    keys(gateway, "set", name, "--rpm", "1000")
    until(lambda: all(gateway.chat(headers=bearer)[0] == 200 for _ in range(8)), "the new limit to hold")
    keys(gateway, "set", key, "--rpm", "none")
    until(lambda: "x-ratelimit-limit-requests" not in gateway.chat(headers=bearer)[1], "the limit to be gone")


def test_money_is_spent_up_to_the_budget_and_what_was_in_flight_then_stays_in_the_house(start, cloud, local):
    extra = "}\n  - {name: other, when: {model: other}, use: mini, fallback: [llama]"
    gateway = start(cloud, local, auth="keys", workers=WORKERS, route_extra=extra, target_extra=PRICED)
    key, bearer = known(gateway, "--budget", "100/day", "--budget-soft", "50/day", "--route", "other")
    at_a_time = 8
    with ThreadPoolExecutor(at_a_time) as threads:
        asked = [threads.submit(gateway.chat, "other", headers=bearer) for _ in range(80)]
        answers = [each.result() for each in asked]
    assert {status for status, _, _ in answers} == {200}
    rows = gateway.rows(80)
    clouds = [row for row in rows if row["target"] == "mini"]
    each = clouds[0]["cost"]
    spent = sum(row["cost"] for row in clouds)
    assert 100 * 10**9 <= spent < 100 * 10**9 + at_a_time * each
    assert {row["target"] for row in rows} == {"mini", "llama"}
    warned = gateway.chat("other", headers=bearer)[1]
    assert warned["x-earthward-target"] == "llama"
    assert warned["x-earthward-budget"].startswith(f"key {key}: $")
    metrics = gateway.admin_get("/metrics")[2].decode()
    assert 'earthward_refused_by_limit_total{limit="budget",scope="key"} 0.0' not in metrics
    explained = http(
        "POST",
        f"{gateway.v1}/chat/completions",
        {"model": "other", "messages": []},
        {**bearer, "x-earthward-explain": "1"},
    )
    assert explained[0] == 403
    hard = next(it for it in usage(gateway, f"?scope=key&name={key}") if not it.get("is_soft"))
    assert (hard["limit"], hard["of"], hard["left"]) == ("budget/day", 100.0, 0.0)
    assert hard["used"] * 10**9 == spent


def test_where_only_the_cloud_could_serve_a_spent_budget_is_told_with_when_it_renews(start, cloud):
    gateway = start(cloud, auth="keys", target_extra=PRICED, extra="limits: {teams: {web: {budget: 1/month}}}")
    _, bearer = known(gateway, "--team", "web")
    assert gateway.chat(headers=bearer)[0] == 200
    status, headers, answer = gateway.chat(headers=bearer)
    assert status == 429
    assert answer["error"]["code"] == "insufficient_quota"
    assert "the cloud budget of team web is spent" in answer["error"]["message"]
    assert "it renews at " in answer["error"]["message"]
    assert headers["x-should-retry"] == "false"
    assert int(headers["retry-after"]) > 0
    other, free = known(gateway, "--team", "app")
    assert gateway.chat(headers=free)[0] == 200
    body = {"model": "gpt-4o-mini", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    status, headers, data = http("POST", f"{gateway.url}/v1/messages", body, bearer)
    assert json.loads(data)["type"] == "error"
    assert other


def test_what_was_spent_is_known_again_after_a_worker_dies_and_after_all_is_restarted(start, cloud):
    options = {"auth": "keys", "target_extra": PRICED, "workers": 2}
    gateway = start(cloud, **options)
    _, bearer = known(gateway, "--budget", "1/day")
    assert gateway.chat(headers=bearer)[0] == 200
    assert gateway.chat(headers=bearer)[0] == 429
    gateway.rows(2)
    with contextlib.closing(Board(gateway.state / "board")) as board:
        for pid in filter(None, board.column(columns.PID)):
            os.kill(pid, signal.SIGKILL)
    until(lambda: all(gateway.chat(headers=bearer)[0] == 429 for _ in range(6)), "workers that know what was spent")
    gateway.stop()
    again = start(cloud, **options)
    assert again.chat(headers=bearer)[0] == 429
    (used,) = usage(again)
    assert used["left"] == 0


def test_a_rotated_key_opens_with_both_secrets_until_the_overlap_is_over(start, cloud):
    gateway = start(cloud, auth="keys")
    names = (f"till {number}" for number in count())

    def play() -> tuple[str, dict[str, str], dict[str, str], list[dict[str, Any]]]:
        name = next(names)
        key, old = known(gateway, "--name", name, "--rpm", "1000")
        made = keys(gateway, "rotate", name, "--overlap", "1h")
        new = {"authorization": f"Bearer {made['key']}"}
        until(lambda: gateway.chat(headers=new)[0] == 200, "the new secret to work")
        assert gateway.chat(headers=old)[0] == 200
        return key, old, new, usage(gateway, f"?scope=key&name={key}")

    key, old, new, (used,) = in_one_minute(play)
    assert (used["name"], used["used"]) == (key, 2)
    keys(gateway, "rotate", key, "--overlap", "none")
    until(lambda: gateway.chat(headers=new)[0] == 401, "the secret before it to be refused")
    assert gateway.chat(headers=old)[0] == 401


def test_requests_at_a_time_are_bounded_over_all_workers(start, cloud):
    gateway = start(cloud, auth="keys", workers=WORKERS, extra="limits: {apps: {shop: {parallel: 4}}}")
    _, bearer = known(gateway, "--app", "shop")
    # Long enough for all sixteen to be under way together.
    cloud.script(default={"head": 3.0})
    seen: list[int] = []
    ask = threading.Barrier(16)

    def one() -> None:
        ask.wait()
        seen.append(gateway.chat(headers=bearer)[0])

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served = [json.loads(row["attempts"])[0] for row in gateway.rows(16) if row["status"] == "ok"]
    spans = [(attempt[STARTED], attempt[STARTED] + attempt[STARTED + 1]) for attempt in served]
    at_a_time = [sum(1 for start, end in spans if start <= moment < end) for moment, _ in spans]
    assert 4 <= max(at_a_time) <= 4 + WORKERS - 1
    assert seen.count(200) + seen.count(429) == 16
    until(lambda: usage(gateway)[0]["used"] == 0, "nothing to be held")


def test_past_a_targets_own_limit_the_next_one_is_asked(start, cloud, local):
    limited = ("first", "second", "third")
    targets = [f"{name}: {{provider: cloud, model: gpt-4o-mini, limits: {{rpm: 3}}" for name in limited]
    routes = [f"- {{name: {name}, when: {{model: {name}}}, use: {name}, fallback: [llama]" for name in limited]
    more = {"target_extra": "}\n  ".join(("", *targets)), "route_extra": "}\n  ".join(("", *routes))}
    gateway = start(cloud, local, workers=2, **more)
    fresh = iter(limited)

    def play() -> tuple[str, list[str]]:
        name = next(fresh)
        return name, [gateway.chat(name)[1]["x-earthward-target"] for _ in range(10)]

    name, served = in_one_minute(play)
    assert served == [name] * 3 + ["llama"] * 7
    row = [row for row in gateway.rows(10) if row["target"] == "llama"][-1]
    assert f"the limit of target {name} is reached" in row["attempts"]
