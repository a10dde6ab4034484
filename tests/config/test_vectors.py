"""Routes that would mix vectors of two models are refused where they name the second, and told what to do."""

from pathlib import Path

import pytest

from earthward.config.compile import compile
from earthward.config.load import ConfigErrors, read

HEAD = """\
providers:
  openai: {kind: openai, api_key: env:K}
  spare: {kind: openai, api_key: env:K2}
  gpus: {kind: ollama}
  vllm: {kind: openai_compatible, base_url: http://gpu/v1}
  claude: {kind: anthropic, api_key: env:K3}
targets:
  mini: {provider: openai, model: gpt-4o-mini}
  llama: {provider: gpus, model: llama3.2}
  small: {provider: openai, model: text-embedding-3-small}
  again: {provider: spare, model: text-embedding-3-small}
  nomic: {provider: gpus, model: nomic-embed-text, vectors: nomic}
  tagged: {provider: gpus, model: "nomic-embed-text:latest"}
  plain: {provider: gpus, model: nomic-embed-text}
  hub: {provider: vllm, model: nomic-ai/nomic-embed-text-v1.5, vectors: nomic}
  odd: {provider: vllm, model: our-own, abilities: [embeddings]}
"""


def configuration(routes: str, targets: str = ""):
    return read(f"{HEAD}{targets}routes:\n{routes}\n".encode(), Path("/f.yaml"))


def problems(routes: str, targets: str = "") -> list[tuple[int, int, str]]:
    with pytest.raises(ConfigErrors) as error:
        configuration(routes, targets)
    return [(it.line, it.column, it.message) for it in error.value.problems]


@pytest.mark.parametrize(
    ("route", "column"),
    [
        ("{name: r, baseline: small, candidate: nomic, share: 5%}", 43),
        ("{name: r, baseline: small, candidate: nomic, rollout: fast}", 43),
        ("{name: r, baseline: small, candidate: nomic, pilots: [a]}", 43),
        ("{name: r, use: small, fallback: [nomic]}", 38),
        ("{name: r, use: small, fallback: nomic}", 37),
        ("{name: r, use: small, fallback: [again, odd]}", 45),
        ("{name: r, use: mini, fallback: [small, nomic]}", 44),
    ],
)
def test_two_models_on_one_route_are_refused_at_the_second_by_name(route: str, column: int) -> None:
    [(line, at, message)] = [it for it in problems(f"  - {route}") if "vectors of two models" in it[2]]
    assert (line, at) == (HEAD.count("\n") + 2, column)
    assert "docs/howto/embeddings.md" in message
    assert "second index" in message


@pytest.mark.parametrize(
    "route",
    [
        "{name: r, use: small, fallback: [again]}",
        "{name: r, baseline: small, candidate: again, share: 5%}",
        "{name: r, use: nomic, fallback: [hub]}",
        "{name: r, use: tagged, fallback: [plain]}",
        "{name: r, baseline: mini, candidate: llama, share: 50%, fallback: [small]}",
    ],
)
def test_one_model_at_several_places_is_no_mixture(route: str) -> None:
    configuration(f"  - {route}")


def test_a_model_with_the_name_of_one_that_gives_vectors_does_that_and_nothing_else() -> None:
    snapshot = compile(configuration("  - {name: r, use: small}"))
    able = {target.name: target.abilities for target in snapshot.targets}
    assert able["small"] == able["hub"] == able["odd"] == frozenset({"embeddings"})
    assert "embeddings" not in able["mini"] | able["llama"]


def test_who_has_no_embeddings_can_not_be_said_to_give_vectors() -> None:
    told = problems("  - {name: r, use: v}", "  v: {provider: claude, model: claude-x, abilities: [embeddings]}\n")
    assert [message for _, _, message in told] == ["`kind: anthropic` has no embeddings"]


def test_a_name_for_vectors_is_for_targets_that_give_them() -> None:
    told = problems("  - {name: r, use: v}", "  v: {provider: gpus, model: llama3.2, vectors: x}\n")
    assert [message for _, _, message in told] == ["`vectors` is for targets with `abilities: [embeddings]`"]


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ("model: emb, tokens: <500", "model: emb", "tokens"),
        ("time: mon-fri 08:00-18:00", "model: emb", "time"),
        ('model: "e*", tokens: <500', "model: emb", "tokens"),
        ("model: emb, tokens: <500, task: [a, b]", "model: emb, task: b", "tokens"),
        ("model: emb, tokens: <500", "needs: embeddings", "tokens"),
    ],
)
def test_an_hour_or_a_length_does_not_choose_between_two_models(one: str, other: str, key: str) -> None:
    routes = f"  - {{name: a, when: {{{one}}}, use: small}}\n  - {{name: b, when: {{{other}}}, use: nomic}}"
    [(line, column, message)] = problems(routes)
    assert (line, column) == (HEAD.count("\n") + 2, routes.index(f"{key}:") + 1)
    assert (
        f"by `{key}` a text goes to text-embedding-3-small here, or to nomic by the route in line {line + 1}" in message
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("model: one, tokens: <500", "model: another"),
        ("model: emb, tokens: <500, task: a", "model: emb, task: b"),
        ("model: emb, data: public", "model: emb"),
        ("model: emb, task: a", "model: emb"),
    ],
)
def test_what_the_application_says_itself_may_choose_between_two_models(one: str, other: str) -> None:
    configuration(f"  - {{name: a, when: {{{one}}}, use: small}}\n  - {{name: b, when: {{{other}}}, use: nomic}}")


def test_the_hour_may_choose_between_two_providers_of_one_model() -> None:
    configuration(
        "  - {name: a, when: {model: e, tokens: <500}, use: small}\n  - {name: b, when: {model: e}, use: again}"
    )


def test_a_route_for_vectors_names_a_target_that_gives_some() -> None:
    route = "  - {name: r, when: {needs: embeddings}, use: mini, fallback: llama}"
    [(line, column, message)] = problems(route)
    assert (line, column) == (HEAD.count("\n") + 2, route.index("embeddings") + 1)
    assert "no target of this route gives vectors" in message
