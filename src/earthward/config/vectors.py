"""Routes for embeddings: vectors of two models mean nothing to each other, so no route may lead to both.

Neither by a share nor by a fallback: an index that was filled from both finds the wrong things, and says nothing of it.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import combinations, product

from earthward.config.document import Path, Sequence
from earthward.config.draft import Draft
from earthward.config.models import Provider, Route, Target, When
from earthward.config.problems import Problem
from earthward.config.snapshot import EMBEDDINGS
from earthward.providers.vectors import gives_vectors, space_of


def abilities_of(target: Target, provider: Provider) -> frozenset[str]:
    """As stated; else those of its kind, or of a model that gives vectors and nothing else."""
    if target.abilities is not None:
        return frozenset(target.abilities)
    can_embed = "embed" in dict(provider.its_kind.operations)
    return frozenset({EMBEDDINGS}) if can_embed and gives_vectors(target.model) else provider.its_kind.abilities


def targets_that_embed(draft: Draft) -> Iterator[Problem]:
    for name, target in draft.read_targets():
        provider = draft.provider_of(target)
        if provider is None:
            continue
        embeds = EMBEDDINGS in abilities_of(target, provider)
        if embeds and "embed" not in dict(provider.its_kind.operations):
            message = f"`kind: {provider.kind}` has no embeddings"
            yield draft.document.problem(("targets", name, "abilities"), message)
        if target.vectors and not embeds:
            message = "`vectors` is for targets with `abilities: [embeddings]`"
            yield draft.document.key_problem(("targets", name, "vectors"), message)


def one_model_for_vectors(draft: Draft) -> Iterator[Problem]:
    for index, route in draft.read_routes():
        first: tuple[str, str] | None = None
        for path, name in _named(draft, index, route):
            space = _space(draft, name)
            if space is None:
                continue
            if first is None:
                first = name, space
            elif space != first[1]:
                yield draft.document.problem(path, _mixes(first, (name, space)))


def routes_that_give_vectors(draft: Draft) -> Iterator[Problem]:
    for index, route in draft.read_routes():
        names = [name for _, name in _named(draft, index, route)]
        is_known = all(draft.provider_of(draft.targets.get(name)) is not None for name in names)
        if route.when and EMBEDDINGS in route.when.needs and is_known and _spaces(draft, index, route) == []:
            message = (
                f"no target of this route gives vectors; name one that does, or say `abilities: [{EMBEDDINGS}]` of it"
            )
            yield draft.document.problem(("routes", index, "when", "needs"), message)


def one_model_whenever_it_is_asked_for(draft: Draft) -> Iterator[Problem]:
    """The length of a text and the hour are not chosen by who asks: one index would be filled by both routes."""
    giving = [
        (index, route, spaces[0]) for index, route in draft.read_routes() if (spaces := _spaces(draft, index, route))
    ]
    for (index, route, space), (later, other, second) in combinations(giving, 2):
        told_apart = next((key for key in ("tokens", "time") if getattr(route.when, key)), None)
        if space != second and told_apart and _may_be_one_caller(route.when, other.when):
            message = (
                f"vectors of two models would get into one index: by `{told_apart}` a text goes to {space} here, or to "
                f"{second} by the route in line {draft.document.problem(('routes', later), '').line}. "
                "Give each a model name of its own to be asked by (docs/howto/embeddings.md)"
            )
            yield draft.document.key_problem(("routes", index, "when", told_apart), message)


def _may_be_one_caller(one: When, other: When) -> bool:
    """Whether the same application may come to both by the same name, saying the same."""
    chosen = ((getattr(one, name), getattr(other, name)) for name in ("task", "priority", "data", "key", "app", "team"))
    alike = all(not some or not others or {*some} & {*others} for some, others in chosen)
    return alike and (
        not one.model or not other.model or any(_overlap(*names) for names in product(one.model, other.model))
    )


def _overlap(one: str, other: str) -> bool:
    return fnmatchcase(one, other) or fnmatchcase(other, one)


def _mixes(first: tuple[str, str], second: tuple[str, str]) -> str:
    return (
        f"`{first[0]}` and `{second[0]}` give vectors of two models, {first[1]} and {second[1]}, which can't be "
        "compared, even where they are as long: give each a route of its own, fill a second index and switch to it as "
        "a whole (docs/howto/embeddings.md). If it is one model by two names, give both targets the same `vectors`"
    )


def _spaces(draft: Draft, index: int, route: Route) -> list[str]:
    found = (_space(draft, name) for _, name in _named(draft, index, route))
    return [space for space in found if space is not None]


def _space(draft: Draft, name: str) -> str | None:
    """None for targets without vectors, or which could not be read."""
    target = draft.targets.get(name)
    provider = draft.provider_of(target)
    if target is None or provider is None or EMBEDDINGS not in abilities_of(target, provider):
        return None
    return space_of(target.model, target.vectors)


def _named(draft: Draft, index: int, route: Route) -> Iterator[tuple[Path, str]]:
    """The targets of a route, and where it names them."""
    for key in ("use", "baseline", "candidate"):
        if name := getattr(route, key):
            yield ("routes", index, key), name
    path: Path = ("routes", index, "fallback")
    is_list = isinstance(draft.document.at(path), Sequence)
    for place, name in enumerate(route.fallback):
        yield (*path, place) if is_list else path, name


CHECKS = (
    targets_that_embed,
    one_model_for_vectors,
    routes_that_give_vectors,
    one_model_whenever_it_is_asked_for,
)
