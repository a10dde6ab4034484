"""Where a request goes, before anything is sent."""

import json
from typing import Any

import msgspec
import pytest

from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import ABILITIES, Key, Route, Snapshot, Target, When
from earthward.dialects.envelope import Envelope, read
from earthward.gateway.callers import NO_KEY
from earthward.gateway.decide import WAYS_OUT, Decision, Hints, decide, hints_of, no_target
from earthward.gateway.doors import DOORS
from earthward.gateway.doors.door import Question
from earthward.routing.match import Router
from earthward.routing.plan import Plan, Planner

TARGETS = (
    Target("mini", "cloud", "gpt-4o-mini", "cloud", callers_key="openai_chat"),
    Target("sonnet", "vendor", "claude", "cloud", callers_key="anthropic_messages"),
    Target("llama", "house", "llama", "local"),
)
ROUTES = (
    Route("health", When(data=("health",)), use="llama"),
    Route("files", When(task=("files",)), baseline="mini", fallback=("llama",), data_class="personal"),
    Route("home", When(task=("home",)), baseline="mini", fallback=("llama",), boundary="local"),
    Route("trial", When(model=("gpt-*",)), baseline="mini", candidate="llama", share=5000),
    Route("both", When(model=("claude-*",)), baseline="mini", fallback=("sonnet", "llama")),
)

NO_HINTS = Hints()


def question(model: str = "gpt-4o", **fields: Any) -> Question:
    door = DOORS[b"/v1/chat/completions"]
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
    envelope = read(json.dumps(body).encode())
    assert isinstance(envelope, Envelope)
    glance = door.glance(envelope)
    assert not isinstance(glance, Failure)
    return Question(door, envelope, glance, "1", 0)


def decided(
    asked: Question | None = None, hints: Hints = NO_HINTS, key: Key = NO_KEY, own_key: str | None = "openai_chat"
) -> Decision | Failure:
    router = Router(Snapshot("1", "d", (), TARGETS, ROUTES))
    return decide(router, Planner(router.targets), asked or question(), hints, key, b"salt", own_key)


def tried(found: Decision | Failure) -> list[str]:
    assert isinstance(found, Decision), found
    return [name for name, _ in found.plan.attempts]


def test_hints_are_read_from_headers_and_cut_to_what_a_hint_may_be() -> None:
    headers = {b"x-earthward-task": b"chat", b"x-earthward-data-class": b" Health ", b"x-earthward-unit": b"u" * 5000}
    hints = hints_of(headers)
    assert (hints.task, hints.data_class, hints.priority, len(hints.unit)) == ("chat", "health", "", 200)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        (b"health,public", "health"),
        (b"public, Health", "health"),
        (b"health,", "health"),
        (b"public," * 40 + b"secret", "secret"),
        (b"public, helth", "helth"),
        (b"public", "public"),
        (b"public,", ""),
        (b"", ""),
        (b" " * 300 + b"public", "public"),
        (b"public" + b"x" * 300, "public" + "x" * 194),
    ],
)
def test_of_several_data_classes_the_strictest_counts_and_a_word_that_is_none_most(said: bytes, counts: str) -> None:
    assert hints_of({b"x-earthward-data-class": said}).data_class == counts


def test_a_model_that_no_route_serves_is_named() -> None:
    found = decided(question("mistral"))
    assert isinstance(found, Failure)
    assert (found.kind, found.param) == (FailureKind.NO_SUCH_MODEL, "model")
    assert "'mistral'" in found.message


def test_the_class_in_the_header_takes_part_in_matching() -> None:
    found = decided(hints=Hints(data_class="health"))
    assert isinstance(found, Decision)
    assert (found.route.name, found.data_class, tried(found)) == ("health", "health", ["llama"])


def test_a_key_s_class_binds_whatever_its_caller_says() -> None:
    for said in ("", "public", "internal", "personal"):
        found = decided(hints=Hints(data_class=said), key=Key("k", b"", data_class="health"))
        assert isinstance(found, Decision)
        assert (found.route.name, found.data_class) == ("health", "health"), said


def test_a_key_s_class_frees_nothing() -> None:
    found = decided(hints=Hints(data_class="health"), key=Key("k", b"", data_class="public"))
    assert isinstance(found, Decision)
    assert found.data_class == "health"


def test_a_route_raises_the_class_of_what_it_matches_and_lowers_none() -> None:
    found = decided(hints=Hints(task="files", data_class="public"))
    assert isinstance(found, Decision)
    assert (found.data_class, tried(found)) == ("personal", ["llama"])
    found = decided(hints=Hints(task="files", data_class="secret"))
    assert isinstance(found, Decision)
    assert found.data_class == "secret"


def test_a_word_that_is_no_class_stays_in_the_house_whatever_else_is_said() -> None:
    found = decided(hints=Hints(data_class="sekret"), key=Key("k", b"", data_class="personal"))
    assert isinstance(found, Decision)
    assert (found.data_class, "mini" in tried(found)) == ("sekret", False)


def test_a_boundary_keeps_even_public_data_in_the_house() -> None:
    found = decided(hints=Hints(task="home", data_class="public"))
    assert isinstance(found, Decision)
    assert tried(found) == ["llama"]
    assert found.plan.excluded == (("mini", "the route keeps everything local"),)


def test_a_caller_s_own_key_opens_targets_of_its_vendor_alone() -> None:
    assert tried(decided(question("claude-x"))) == ["mini", "llama"]
    assert tried(decided(question("claude-x"), own_key="anthropic_messages")) == ["sonnet", "llama"]


def test_a_plan_that_has_nobody_says_why_of_each() -> None:
    plan = Plan("both", "baseline", 0, -1, (), (("mini", "data may not leave"), ("llama", "can't do audio")))
    failure = no_target(plan, frozenset({"audio"}), {target.name: target for target in TARGETS})
    assert failure.kind is FailureKind.UNSUPPORTED
    assert failure.message == (
        "no target may serve this request (mini: data may not leave; llama: can't do audio); "
        "send a transcript of what is spoken, or name a model that can"
    )
    failure = no_target(plan, frozenset(), {target.name: target for target in TARGETS})
    assert failure.kind is FailureKind.NO_TARGET, "another request of the kind may be served, by another caller"
    assert failure.message.endswith("llama: can't do audio)"), "there is nothing that its caller could do"


def test_what_one_target_could_do_if_it_were_let_is_not_the_request_s_fault() -> None:
    targets = {target.name: target for target in TARGETS}
    able = msgspec.structs.replace(targets["mini"], abilities=targets["mini"].abilities | {"audio"})
    plan = Plan("both", "baseline", 0, -1, (), (("mini", "data may not leave"), ("llama", "can't do audio")))
    assert no_target(plan, frozenset({"audio"}), {**targets, "mini": able}).kind is FailureKind.NO_TARGET


def test_whoever_asks_for_what_nobody_can_is_told_every_way_out() -> None:
    targets = {target.name: target for target in TARGETS}
    plan = Plan("health", "baseline", 0, -1, (), (("llama", "can't do documents, raw"),))
    told = no_target(plan, frozenset({"documents", "raw"}), targets).message
    assert told.endswith(
        "raw); send the text of documents, leave `raw`, `template` and `context` out, or name a model that can"
    )
    assert no_target(plan, frozenset({"embeddings"}), targets).message.endswith("can't do documents, raw)")


@pytest.mark.parametrize("ability", sorted(ABILITIES))
def test_every_ability_has_a_way_out(ability: str) -> None:
    assert WAYS_OUT[ability]


def test_one_conversation_is_one_unit_and_stays_on_its_arm() -> None:
    first = decided(question())
    turn = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}, {"role": "user", "content": "x"}]
    later = decided(question(messages=turn))
    assert isinstance(first, Decision)
    assert isinstance(later, Decision)
    assert (first.unit, first.plan.arm) == (later.unit, later.plan.arm)
    assert first.unit
    other = decided(question(messages=[{"role": "user", "content": "something else"}]))
    assert isinstance(other, Decision)
    assert other.unit != first.unit
