from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.config.snapshot import Route, Snapshot, When
from earthward.routing.match import LONGEST_MODEL, REMEMBERED, Asked, Router


def router(*routes: Route) -> Router:
    return Router(Snapshot("v", "d", (), (), routes))


def found(router: Router, **asked: Any) -> str | None:
    route = router.route(Asked(**{"model": "gpt-4o", **asked}))
    return route.name if route else None


def test_the_first_route_that_matches_wins() -> None:
    both = router(
        Route("narrow", When(model=("gpt-4o",)), use="a"),
        Route("wide", When(model=("gpt-*",)), use="b"),
        Route("rest", use="c"),
    )
    assert found(both, model="gpt-4o") == "narrow"
    assert found(both, model="gpt-4o-mini") == "wide"
    assert found(both, model="claude") == "rest"


def test_no_route_is_no_answer_rather_than_a_guess() -> None:
    assert found(router(Route("only", When(model=("gpt-*",)), use="a")), model="claude") is None
    assert found(router()) is None


@pytest.mark.parametrize("condition", ["task", "priority", "data", "key", "app", "team"])
def test_every_condition_takes_any_of_its_values_and_no_other(condition: str) -> None:
    one = router(Route("r", When(**{condition: ("x", "y")}), use="a"))
    assert found(one, **{condition: "x"}) == found(one, **{condition: "y"}) == "r"
    assert found(one, **{condition: "z"}) is None
    assert found(one) is None


def test_all_conditions_of_a_route_must_hold() -> None:
    one = router(Route("r", When(model=("gpt-*",), task=("chat",), team=("blue",)), use="a"))
    assert found(one, task="chat", team="blue") == "r"
    assert found(one, task="chat") is None
    assert found(one, task="chat", team="blue", model="claude") is None


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("gpt-*", "gpt-4o", "xgpt-4o"),
        ("*-mini", "gpt-4o-mini", "gpt-4o-mini2"),
        ("gpt-4?", "gpt-4o", "gpt-4"),
        ("gpt-[45]", "gpt-5", "gpt-3"),
        ("llama3.1:8b", "llama3.1:8b", "llama3x1:8b"),
        ("*", "anything at all", None),
    ],
)
def test_models_match_as_globs_over_the_whole_name(pattern: str, fits: str, does_not: str | None) -> None:
    one = router(Route("r", When(model=("other", pattern)), use="a"))
    assert found(one, model=fits) == "r"
    assert does_not is None or found(one, model=does_not) is None


def test_models_are_told_apart_by_case() -> None:
    assert found(router(Route("r", When(model=("gpt-*",)), use="a")), model="GPT-4o") is None


def test_a_key_with_a_scope_sees_no_other_route() -> None:
    both = router(Route("first", use="a"), Route("second", use="b"))
    assert found(both) == "first"
    assert found(both, scope=("second",)) == "second"
    assert found(both, scope=("third",)) is None
    assert found(both, scope=("first", "second")) == "first"


def test_what_was_found_for_one_caller_is_not_given_to_another() -> None:
    both = router(Route("blue", When(team=("blue",)), use="a"), Route("rest", use="b"))
    assert found(both, team="blue") == "blue"
    assert found(both, team="red") == "rest"
    assert found(both, team="green") == "rest"
    assert found(both, team="blue", scope=("rest",)) == "rest"


def test_callers_that_no_route_names_share_what_is_remembered() -> None:
    """Else a hundred thousand keys would be a hundred thousand answers to remember."""
    one = router(Route("r", When(model=("gpt-*",), key=("vip",)), use="a"), Route("rest", use="b"))
    for number in range(1000):
        assert found(one, key=f"key-{number}", app=f"app-{number}", task=f"task-{number}") == "rest"
    assert len(one._known) == 1


def test_what_is_remembered_is_bounded() -> None:
    one = router(Route("r", When(model=("gpt-*",)), use="a"))
    for number in range(REMEMBERED + 10):
        assert found(one, model=f"gpt-{number}") == "r"
    assert len(one._known) <= REMEMBERED


def test_a_name_no_model_has_is_neither_matched_nor_remembered() -> None:
    one = router(Route("r", use="a"))
    assert found(one, model="x" * LONGEST_MODEL) == "r"
    assert found(one, model="x" * (LONGEST_MODEL + 1)) is None
    assert len(one._known) == 1


WORDS = st.sampled_from(["", "a", "b", "c"])
CHOICES = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2).map(tuple)


@dataclass
class Naive:
    """The rule as it reads, without anything remembered."""

    routes: tuple[Route, ...]

    def route(self, asked: Asked) -> Route | None:
        for route in self.routes:
            when = route.when
            pairs = [(when.model, asked.model), (when.task, asked.task), (when.key, asked.key), (when.team, asked.team)]
            in_scope = not asked.scope or route.name in asked.scope
            if in_scope and all(not wanted or given in wanted for wanted, given in pairs):
                return route
        return None


@given(
    st.lists(st.tuples(CHOICES, CHOICES, CHOICES, CHOICES), max_size=5),
    st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS, st.sampled_from([(), ("r0",), ("r1", "r2")])), max_size=10),
)
def test_remembering_changes_no_answer(
    rules: list[tuple[tuple[str, ...], ...]], questions: list[tuple[str, str, str, str, tuple[str, ...]]]
) -> None:
    routes = tuple(
        Route(f"r{number}", When(model=model, task=task, key=key, team=team), use="a")
        for number, (model, task, key, team) in enumerate(rules)
    )
    remembering = router(*routes)
    for model, task, key, team, scope in questions:
        asked = Asked(model, task=task, key=key, team=team, scope=scope)
        assert remembering.route(asked) == remembering.route(asked) == Naive(routes).route(asked)


def test_a_route_for_what_needs_images_and_tools_takes_no_request_that_needs_only_one_of_them() -> None:
    both = router(Route("vision", When(needs=("images", "tools")), use="a"), Route("rest", use="b"))
    assert found(both, needs=frozenset({"images", "tools", "stream"})) == "vision"
    assert found(both, needs=frozenset({"images"})) == "rest"
    assert found(both) == "rest"


def test_routes_by_length_take_their_bounds_in() -> None:
    lengths = router(
        Route("short", When(tokens=(0, 1000)), use="a"),
        Route("middle", When(tokens=(1001, 8000)), use="b"),
        Route("long", use="c"),
    )
    assert [found(lengths, tokens=tokens) for tokens in (0, 1000, 1001, 8000, 8001, 10**9)] == [
        *("short", "short", "middle", "middle", "long", "long")
    ]


def test_a_route_for_office_hours_takes_nothing_outside_them() -> None:
    hours = router(Route("office", When(time=((540, 1020), (1980, 2460))), use="a"), Route("rest", use="b"))
    assert [found(hours, minute=minute) for minute in (539, 540, 1019, 1020, 2000, 10_000)] == [
        *("rest", "office", "office", "rest", "office", "rest")
    ]
    assert hours.looks_at_time
    assert not router(Route("rest", use="b")).looks_at_time


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6), st.integers(0, 60), st.integers(0, 60))
def test_what_is_remembered_for_one_length_and_minute_never_answers_for_another(spans, tokens, minute) -> None:
    spans = [(min(span), max(span)) for span in spans]
    rules = [Route(f"r{n}", When(tokens=span, time=((span[0], span[1] + 1),)), use="a") for n, span in enumerate(spans)]
    warm = router(*rules)
    for other in range(60):
        found(warm, tokens=other, minute=minute)
        found(warm, tokens=tokens, minute=other)
    assert found(warm, tokens=tokens, minute=minute) == found(router(*rules), tokens=tokens, minute=minute)


def test_a_thousand_lengths_are_remembered_as_few() -> None:
    lengths = router(Route("short", When(tokens=(0, 1000)), use="a"), Route("long", use="c"))
    for tokens in range(3000):
        found(lengths, tokens=tokens)
    assert len(lengths._known) == 2
