"""What is said of a request before it is sent."""

import msgspec

from earthward.config.snapshot import Provider, Route, Snapshot, Target, When
from earthward.gateway.callers import NO_KEY
from earthward.gateway.decide import Decision, Hints, decide
from earthward.gateway.explain import Explanation, explanation
from earthward.routing.match import Router
from earthward.routing.plan import Planner
from gateway.test_decide import NO_HINTS, question

SNAPSHOT = Snapshot(
    "1",
    "d",
    (Provider("vendor", "openai", "openai_chat", "cloud", ()), Provider("house", "ollama", "ollama", "local", ())),
    (Target("mini", "vendor", "gpt-4o-mini", "cloud"), Target("llama", "house", "llama3", "local")),
    (Route("trial", When(), baseline="mini", candidate="llama", share=10_000),),
)


def explained(hints: Hints = NO_HINTS, snapshot: Snapshot = SNAPSHOT, **fields: object) -> Explanation:
    asked = question(**fields)
    router = Router(snapshot)
    decision = decide(router, Planner(router.targets), asked, hints, NO_KEY, b"salt", None)
    assert isinstance(decision, Decision)
    return explanation(asked, decision, snapshot)


def test_attempts_say_where_they_go_and_whether_they_are_translated() -> None:
    found = explained(logit_bias={"1": 1})
    assert (found.route, found.arm, found.share, found.data_class) == ("trial", "candidate", 1.0, "internal")
    llama, mini = found.attempts
    assert (llama.target, llama.zone, llama.dialect, llama.translated) == ("llama", "local", "ollama", True)
    assert llama.dropped == ("logit_bias",)
    assert (mini.target, mini.translated, mini.dropped) == ("mini", False, ())
    assert found.bucket is not None
    assert 0 <= found.bucket < 1


def test_a_target_that_has_no_words_for_the_request_says_so() -> None:
    spoken = {"role": "assistant", "content": "", "audio": {"id": "audio_1"}}
    llama, mini = explained(messages=[spoken, {"role": "user", "content": "Hi"}]).attempts
    assert llama.refused is not None
    assert "transcript" in llama.refused
    assert mini.refused is None


def test_what_the_gateway_does_in_a_targets_place_is_named() -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    llama, mini = explained(n=3, tools=tools, tool_choice="required", parallel_tool_calls=False).attempts
    assert llama.made_up == ("tool_choice", "parallel_tool_calls", "n")
    assert llama.dropped == ()
    assert mini.made_up == ()


def test_what_is_left_out_says_why() -> None:
    found = explained(Hints(data_class="health"))
    assert [attempt.target for attempt in found.attempts] == ["llama"]
    assert [(it.target, it.why) for it in found.excluded] == [
        ("mini", "data of class health may not leave for the cloud")
    ]


def test_what_is_drilled_on_a_route_is_told_whether_this_request_is_or_not() -> None:
    def told(**fields: object) -> str | None:
        snapshot = msgspec.structs.replace(SNAPSHOT, routes=(msgspec.structs.replace(SNAPSHOT.routes[0], **fields),))
        return explained(snapshot=snapshot).drill

    assert told() is None
    assert told(drill=50) == "0.5 % of the units through `mini`"
    assert told(drill_every=600.0) == "6 requests an hour through `mini`"
    assert told(drill_every=3600.0, share=500) == (
        "1 request an hour through `mini`, once the candidate has all the traffic"
    )


def test_of_several_contexts_it_says_which_would_be_asked_for_and_why() -> None:
    tiered = msgspec.structs.replace(SNAPSHOT.targets[1], context=16384, tiers=(4096, 16384))
    snapshot = msgspec.structs.replace(SNAPSHOT, targets=(SNAPSHOT.targets[0], tiered))
    plain, short, long = (
        explained(snapshot=given, messages=[{"role": "user", "content": text}], max_tokens=1000).attempts[0]
        for given, text in ((SNAPSHOT, "Hi"), (snapshot, "Hi"), (snapshot, "word " * 4000))
    )
    assert (plain.context, plain.context_why) == (None, "")
    assert short.context == 4096
    assert short.context_why == "the least of 4,096, 16,384 for about 9 tokens of prompt and 1,000 of answer"
    assert long.context == 16384
    endless = explained(snapshot=snapshot, messages=[{"role": "user", "content": "word " * 90_000}]).attempts[0]
    assert endless.context_why.startswith("the greatest of ")
