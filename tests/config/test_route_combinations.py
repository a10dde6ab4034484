"""What `test_load` does not already show: mixes that depend on where targets are and on who is let in."""

from pathlib import Path

import pytest

from earthward.config.load import ConfigErrors, read

BASE = """\
providers:
  openai: {kind: openai, api_key: env:OPENAI_API_KEY}
  house: {kind: ollama}
targets:
  mini: {provider: openai, model: gpt-4o-mini}
  llama: {provider: house, model: "llama3.1:8b"}
  sent-on: {provider: house, model: "gpt-oss:120b-cloud"}
"""


def problems(lines: str) -> list[str]:
    """Each as `line:column: message`; none if the configuration is sound."""
    try:
        read((BASE + lines).encode(), Path("/f.yaml"))
    except ConfigErrors as errors:
        return [str(problem).removeprefix("/f.yaml:") for problem in errors.problems]
    return []


@pytest.mark.parametrize("key", ["use", "baseline"])
def test_a_route_that_stays_in_the_house_is_taken(key: str) -> None:
    assert problems(f"routes: [{{name: r, {key}: llama, boundary: local}}]") == []


def test_a_model_that_ollama_sends_on_is_no_target_of_a_route_that_stays_in_the_house() -> None:
    (told,) = problems("routes: [{name: r, use: llama, fallback: [sent-on], boundary: local}]")
    assert told.startswith(
        "8:43: `sent-on` is in the cloud (Ollama sends `gpt-oss:120b-cloud` on to ollama.com); `bound"
    )


def test_a_boundary_at_the_top_binds_every_route() -> None:
    text = "boundary: local\nroutes: [{name: a, when: {model: x}, use: mini}, {name: b, use: llama, fallback: [mini]}]"
    assert [problem.partition(": ")[2] for problem in problems(text)] == [
        "`mini` is in the cloud; `boundary: local` lets nothing leave"
    ] * 2
    assert problems("boundary: local\nroutes: [{name: a, use: llama}]") == []


def test_a_route_for_data_that_may_not_leave_needs_a_target_in_the_house() -> None:
    assert problems("routes: [{name: r, when: {data: [health, secret]}, use: mini, fallback: [sent-on]}]") == [
        "8:33: data of class health, secret may not leave, and all targets here are in the cloud"
    ]
    for sound in ("when: {data: [health, public]}, use: mini", "when: {data: health}, use: mini, fallback: [llama]"):
        assert problems(f"routes: [{{name: r, {sound}}}]") == []


def test_a_candidate_may_fall_back_to_the_baseline() -> None:
    assert problems("routes: [{name: r, baseline: mini, candidate: llama, share: 5%, fallback: [mini]}]") == []


@pytest.mark.parametrize("field", ["key", "app", "team"])
def test_routes_tell_callers_apart_only_where_they_are_known(field: str) -> None:
    route = f"routes: [{{name: r, when: {{{field}: x}}, use: mini}}]"
    assert problems(route) == []
    assert problems(f"auth: open\n{route}") == [
        f"9:27: `{field}` is never known with `auth: open`; it comes with keys (`auth: keys`)"
    ]


def test_a_drill_needs_a_path_to_the_cloud_and_is_a_trickle() -> None:
    route = "routes: [{name: r, use: llama, fallback: [mini], drill: "
    for sound in ("0.5%", "10%", "1/hour", "120/hour", "0%"):
        assert problems(f"{route}{sound}}}]") == []
    for much in ("11%", "121/hour"):
        assert problems(f"{route}{much}}}]") == ["8:50: `drill` is a trickle: at most 10%, or 120/hour"]
    assert problems(f"{route}often}}]") == [
        "8:57: `drill` takes a percentage, such as 25%, or requests an hour, such as 6/hour"
    ]
    (told,) = problems("routes: [{name: r, use: llama, drill: 6/hour}]")
    assert "the route has none: add a `fallback`" in told
