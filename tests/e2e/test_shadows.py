"""Shadows of a running gateway: what they ask, may cost and tell, and what nobody ever sees of them."""

import json
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress

import pytest

from harness import Gateway, Simulator, config, earthward, http, until

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


def are_done(gateway: Gateway) -> bool:
    """Whether all samples have come to their end, and none is waiting or under way: each is kept or given up."""
    found = figures(gateway)
    kept = found.get('earthward_samples_total{done="kept",route="trial"}', 0)
    given_up = sum(
        value
        for name, value in found.items()
        if name.startswith("earthward_samples_dropped_total{") and 'why="judge: ' not in name
    )
    return kept + given_up == found["earthward_samples_sent"]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """Started once; each test finds them as new."""
    names = ("cloud", "local", "judge")
    with ExitStack() as ends:
        found = {name: Simulator(tmp_path_factory.mktemp(name), name=name) for name in names}
        for simulator in found.values():
            ends.callback(simulator.stop)
        yield found


def as_new(simulator: Simulator) -> Simulator:
    assert http("POST", f"{simulator.url}/sim/reset")[0] == 200
    return simulator


@pytest.fixture
def cloud(stand_ins):
    return as_new(stand_ins["cloud"])


@pytest.fixture
def local(stand_ins):
    return as_new(stand_ins["local"])


@pytest.fixture
def judge(stand_ins):
    return as_new(stand_ins["judge"])


@pytest.fixture
def begun(start, cloud, local):
    """A gateway with this said of its route, ready to take samples."""

    def begin(said: str = ALWAYS, **options) -> Gateway:
        gateway = start(cloud, local, share=options.pop("share", "0%"), route_extra=said, **options)
        gateway.until_store()
        until(lambda: (gateway.state / "content.sock").exists(), "the line for content")
        return gateway

    return begin


def sent(gateway: Gateway, count: int, **fields) -> None:
    """So many requests, all of which were sampled."""

    def found() -> tuple[int, int]:
        now = figures(gateway)
        return int(now["earthward_samples_sent"]), int(now["earthward_samples_unsent"])

    def begins() -> bool:
        """A worker that has just started may not have its line yet, nor have heard that the stage has begun."""
        before = sum(found())
        assert gateway.chat(text="question 0", **fields)[0] == 200
        with suppress(AssertionError):
            until(lambda: sum(found()) > before, "the first sample", patience=2)
        return found()[0] > sent_before

    sent_before = found()[0]
    until(begins, "the line for content")
    for number in range(1, count):
        assert gateway.chat(text=f"question {number}", **fields)[0] == 200
    until(lambda: found()[0] >= sent_before + count, "the samples")


def test_a_shadow_asks_the_other_arm_and_the_caller_never_sees_it(begun, local):
    local.script(default={"say": "the shadow's words"})
    gateway = begun()
    sent(gateway, 1)
    for stream in (False, True):
        _, headers, body = gateway.chat(text="what is it?", stream=stream)
        assert headers["x-earthward-target"] == "mini"
        assert b"shadow's words" not in (body if stream else json.dumps(body).encode())
    assert len(rows_of(gateway, "pairs", 3)) == 3
    assert len(chats(local)) == 3


def test_a_shadow_is_asked_whole_or_streamed_as_its_caller_asked(begun, local):
    gateway = begun()
    sent(gateway, 1)
    gateway.chat(text="what is it?", stream=True)
    pairs = rows_of(gateway, "pairs", 2)
    assert sorted(it["stream"] for it in chats(local)) == [False, True]
    until(lambda: sum(row["path"] == "/earthward/shadow" for row in gateway.rows(4)) == 2, "two shadows on record")
    shadows = [row for row in gateway.rows(4) if row["path"] == "/earthward/shadow"]
    assert sorted((bool(row["stream"]), row["first_content"] is not None) for row in shadows) == [
        (False, False),
        (True, True),
    ]
    assert sorted(row["candidate_ttft"] is not None for row in pairs) == [False, True]
    assert {(row["baseline_bad"], row["candidate_bad"]) for row in pairs} == {("[]", "[]")}


BROKEN = ("reset_before_head", "reset_mid_body", "broken_json", "html", "huge_body", "gzip_bomb", "cut_short", "500")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_shadow_with_a_broken_answer_failed_and_the_next_one_is_asked(begun, local, fault, stream):
    gateway = begun()
    sent(gateway, 1)
    local.script(default={"fault": fault})
    for _ in range(2):
        assert gateway.chat(text="what is it?", stream=stream)[0] == 200
    rows_of(gateway, "pairs", 3)
    local.script(default={})
    assert gateway.chat(text="what is it?", stream=stream)[0] == 200
    found = [row["candidate_bad"] for row in rows_of(gateway, "pairs", 4)]
    broken = [] if fault == "cut_short" and not stream else ["failed"] * 2
    assert [bad for bad in found if "failed" in bad] == [f'["{it}"]' for it in broken]


def test_shadows_are_booked_as_shadows_and_save_nothing(begun, cloud):
    gateway = begun()
    sent(gateway, 3)
    until(lambda: sum(row["path"] == "/earthward/shadow" for row in gateway.rows(6)) == 3, "three shadows on record")

    def booked(purpose: str) -> list[dict]:
        return [row for row in rows(gateway, "money_sums") if row["purpose"] == purpose and row["grain"] == 1]

    until(lambda: sum(row["requests"] for row in booked("shadow")) == 3, "the books of the shadows")
    assert sum(row["saved"] for row in booked("shadow")) == sum(row["displaced"] for row in booked("shadow")) == 0
    until(lambda: sum(row["requests"] for row in booked("serve")) >= 3, "the books of what was served")


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
    sent(gateway, 1)
    gateway.chat(text=CANARY)
    rows_of(gateway, "samples", 2)
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


PILOT = {"x-earthward-unit": "ada"}
BUDGET = 500_000
WORST = 100_000
"""Nano-dollars: half a tenth of a cent, and more than one shadow may cost."""
SPENT = 'earthward_shadow_spend_dollars{route="trial"}'


def bill(simulator: Simulator) -> int:
    """What the stand-in for the vendor will want, in nano-dollars."""
    return int(json.loads(http("GET", f"{simulator.url}/sim/stats")[2])["nano_dollars"])


def test_the_budget_holds_to_the_cent_and_spends_no_more_by_the_vendors_own_bill(begun, cloud):
    """The pilot is served in the house, so that all the vendor is asked for is shadows."""
    gateway = begun(", pilots: [ada], shadow: {rate: 100%, budget: 0.0005 USD/day}")
    sent(gateway, 60, headers=PILOT, max_tokens=24)
    refused = 'earthward_samples_dropped_total{route="trial",why="budget"}'
    until(lambda: figures(gateway).get(refused), "the budget to be spent")
    until(lambda: are_done(gateway), "all samples")
    assert BUDGET - WORST < bill(cloud) <= BUDGET
    assert round(figures(gateway)[SPENT] * 1e9) == bill(cloud)

    def on_record() -> int:
        return sum(row["cost"] for row in gateway.rows(60) if row["path"] == "/earthward/shadow")

    until(lambda: on_record() == bill(cloud), "all shadows on record")


def test_a_restart_gives_no_second_budget(begun, cloud, tmp_path):
    gateway = begun(", pilots: [ada], shadow: {rate: 100%, budget: 0.0005 USD/day}")
    sent(gateway, 60, headers=PILOT, max_tokens=24)
    until(lambda: are_done(gateway), "all samples")
    before = bill(cloud)
    assert before > BUDGET - WORST
    gateway.stop()
    again = Gateway(tmp_path, gateway.config.read_text())
    try:
        again.until_store()
        sent(again, 10, headers=PILOT, max_tokens=24)
        until(lambda: are_done(again), "all samples")
        assert before <= bill(cloud) <= BUDGET
    finally:
        again.stop()


# -- feedback ----------------------------------------------------------------------------------------------------------


def feedback(gateway: Gateway, key: str | None = None, **given) -> tuple[int, dict]:
    headers = {"authorization": f"Bearer {key}"} if key else None

    def told() -> tuple[int, dict] | None:
        """What may not be written down yet is to be said again."""
        status, _, body = http("POST", f"{gateway.url}/earthward/feedback", given, headers)
        return None if status == 503 else (status, json.loads(body))

    return until(told, "the exchange to be written down")


def test_a_word_on_an_answer_is_kept_once_and_its_comment_sealed(begun):
    gateway = begun("", share="50%")
    name = gateway.chat(text="x")[1]["x-earthward-id"]
    for _ in range(2):
        assert feedback(gateway, id=name, thumbs="down", comment=CANARY) == (200, {"id": name, "score": 0.0})
    assert [row["score"] for row in rows_of(gateway, "feedback", 1)] == [0.0]
    assert len(rows(gateway, "later_events")) == 1
    assert len(rows(gateway, "comments")) == 1
    assert feedback(gateway, id=name, score=0.75)[0] == 200
    assert [row["score"] for row in rows(gateway, "feedback")] == [0.75]
    assert rows(gateway, "comments") == [], "it was about the word before"
    assert CANARY.encode() not in gateway.database.read_bytes()
    told = gateway.admin_get("/metrics")[2].decode()
    assert 'word="bad"' in told


def test_a_key_can_say_nothing_of_what_another_key_was_answered(begun):
    gateway = begun("", share="50%", auth="keys")
    ada, eve = gateway.new_key("--app", "a"), gateway.new_key("--app", "b")
    name = gateway.chat(text="x", headers={"authorization": f"Bearer {ada}"})[1]["x-earthward-id"]
    assert feedback(gateway, eve, id=name, thumbs="down")[0] == 404
    assert feedback(gateway, eve, id="no such", thumbs="down")[0] == 404, "nobody can tell which there are"
    assert feedback(gateway, None, id=name, thumbs="down")[0] == 401
    assert feedback(gateway, ada, id=name, thumbs="up")[0] == 200


def test_a_key_that_asks_for_what_there_is_not_shuts_no_other_key_out(begun):
    """An id that nobody knows may be on its way from another replica, so it holds its place for a while."""
    gateway = begun("", share="50%", auth="keys")
    ada, eve = gateway.new_key("--app", "a"), gateway.new_key("--app", "b")
    name = gateway.chat(text="x", headers={"authorization": f"Bearer {ada}"})[1]["x-earthward-id"]
    assert feedback(gateway, ada, id=name, thumbs="up")[0] == 200

    def said(key: str, id: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return http("POST", f"{gateway.url}/earthward/feedback", {"id": id, "thumbs": "down"}, headers)[0]

    with ThreadPoolExecutor(100) as pool:
        eves = [pool.submit(said, eve, f"none-{number}") for number in range(100)]
        until(lambda: any(it.done() for it in eves), "eve to be refused")
        assert said(ada, name) == 200, "while eve has as many places as she gets"
        answers = Counter(it.result() for it in eves)
    assert set(answers) == {404, 503}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"id": "x"},
        {"id": "x", "thumbs": "sideways"},
        {"id": "x", "score": 1.5},
        {"id": "x", "score": 0.5, "thumbs": "up"},
        {"id": "x", "thumbs": "up", "comment": "c" * 4001},
        {"id": "x", "thumbs": "up", "other": 1},
        {"id": "", "thumbs": "up"},
    ],
)
def test_feedback_that_is_none_is_refused(given):
    from earthward.chat import Failure
    from earthward.gateway.feedback import read

    assert isinstance(read(json.dumps(given).encode()), Failure)


# -- the judge, and the report -----------------------------------------------------------------------------------------


GOOD = "The invoice of March comes to 42 euros. It was paid on Monday, in full, by the office in Lyon."
WITH_JUDGE = "  referee: {provider: bench, model: gpt-4o-mini}\nroutes:"


def judged_config(cloud: Simulator, local: Simulator, judge: Simulator, said: str) -> str:
    text = config(cloud, local, share="0%", route_extra=said)
    bench = f'  bench: {{kind: openai_compatible, base_url: "{judge.url}/v1"}}\ntargets:'
    return text.replace("targets:", bench).replace("routes:", WITH_JUDGE)


SHADOW_PLAN = """
rollouts:
  seen:
    stages: [{shadow: 100%}, 50%, 100%]
    gates: [error_rate, truncated, quality]
    min_requests: 5
"""
SEEN = ", shadow: {rate: 5%, budget: 1 USD/day}, judge: referee"


@pytest.fixture
def in_shadow(tmp_path, cloud, local, judge):
    """A gateway whose rollout is in its shadow stage."""
    started = []

    def begin() -> Gateway:
        text = judged_config(cloud, local, judge, SEEN).replace("share: 0%", "rollout: seen") + SHADOW_PLAN
        gateway = Gateway(tmp_path, text)
        started.append(gateway)
        gateway.until_store()
        order = {"verb": "start", "by": "ada", "why": "try"}
        token = {"authorization": f"Bearer {gateway.token_file.read_text()}"}
        assert http("POST", f"{gateway.admin}/api/rollouts/trial", order, token)[0] == 200
        return gateway

    yield begin
    for gateway in started:
        gateway.stop()


def evidence(gateway: Gateway, metric: str) -> dict:
    told = json.loads(gateway.admin_get("/api/rollouts/trial")[2])
    return {**next(it for it in told["evidence"] if it["metric"] == metric), "phase": told["phase"]}


def quality(gateway: Gateway, *options: str) -> tuple[int, str]:
    done = earthward("rollout", "quality", "trial", "-c", str(gateway.config), *options)
    return done.returncode, done.stdout + done.stderr


def test_no_shadow_is_bought_whose_verdict_the_budget_does_not_reach_for(tmp_path, cloud, local, judge):
    """The same budget that buys shadows alone above."""
    said = ", pilots: [ada], shadow: {rate: 100%, budget: 0.0005 USD/day}, judge: referee"
    priced = "model: gpt-4o-mini, price: {input: 0.15, output: 0.6}}\nroutes"
    text = judged_config(cloud, local, judge, said).replace("model: gpt-4o-mini}\nroutes", priced)
    gateway = Gateway(tmp_path, text)
    try:
        gateway.until_store()
        sent(gateway, 5, headers=PILOT, max_tokens=24)
        until(lambda: are_done(gateway), "all samples")
        assert figures(gateway)['earthward_samples_dropped_total{route="trial",why="budget"}'] == 5
        assert bill(cloud) == bill(judge) == 0
    finally:
        gateway.stop()


def test_truncated_answers_are_found_by_checks_alone_and_roll_the_candidate_back_unseen(in_shadow, cloud, local, judge):
    cloud.script(default={"say": GOOD})
    local.script(default={"say": f"\u001b[2J\u001b]0;owned\u0007 {GOOD[:45]}", "finish": "length"})
    gateway = in_shadow()
    sent(gateway, 20)
    until(lambda: json.loads(gateway.admin_get("/api/rollouts/trial")[2])["phase"] == "rolled back", "the end")
    until(lambda: are_done(gateway), "all samples")
    assert not chats(judge), "no judge was asked for what checks decide"
    assert {row["target"] for row in gateway.rows(20) if row["path"] == "/v1/chat/completions"} == {"mini"}
    status, told = quality(gateway, "--json")
    assert status == 1, told
    assert json.loads(told)["tasks"][0]["candidate_bad"]["truncated"] >= 10
    status, told = quality(gateway, "--examples", "1")
    assert "it was cut off by the limit of tokens" in told
    assert GOOD[:45] in told
    assert "\u001b]0" not in told, "a model's hostile words steer no terminal"
    assert "\u001b[2J" not in told


def test_a_judge_is_asked_in_both_orders_and_a_tie_is_one(in_shadow, cloud, local, judge):
    cloud.script(default={"say": GOOD})
    local.script(default={"say": GOOD.replace("Monday", "Tuesday")})
    judge.script(default={"say": "Both answer it.\n[[C]]"})
    gateway = in_shadow()
    sent(gateway, 4)
    until(lambda: evidence(gateway, "quality")["candidate"] == 4, "four scores")
    assert evidence(gateway, "quality")["mean"] == 0.5
    assert len(chats(judge)) == 8
    until(lambda: sum(row["path"] == "/earthward/judge" for row in gateway.rows(16)) == 8, "the judge on record")
    status, told = quality(gateway)
    assert status == 3
    assert "not enough evidence" in told


def test_a_judge_that_is_down_or_says_nothing_holds_the_rollout(in_shadow, cloud, local, judge):
    cloud.script(default={"say": GOOD})
    local.script(default={"say": GOOD.replace("Monday", "Tuesday")})
    judge.script(default={"fault": "500"})
    gateway = in_shadow()
    sent(gateway, 8)
    until(lambda: evidence(gateway, "quality")["verdict"] == "error", "the error")
    told = evidence(gateway, "quality")
    assert (told["phase"], told["candidate"]) == ("shadow", 0)
    judge.script(default={"say": "[[C]]"})
    gateway.chat(text="it is back")
    until(lambda: evidence(gateway, "quality")["verdict"] == "inconclusive", "the judge to be heard again")
    until(lambda: are_done(gateway), "all samples")
    heard = _scores(gateway)
    until(lambda: evidence(gateway, "quality")["candidate"] == heard, "its scores to be heard")
    judge.script(default={"say": "I like both of them."})
    for number in range(8):
        gateway.chat(text=f"what do you like? {number}")
    until(lambda: evidence(gateway, "quality")["verdict"] == "error", "the error")
    until(lambda: are_done(gateway), "all samples")
    assert evidence(gateway, "quality")["candidate"] == heard == _scores(gateway), "what can't be read is no tie"


def _scores(gateway: Gateway) -> int:
    return sum(row["score"] is not None for row in rows(gateway, "pairs"))
