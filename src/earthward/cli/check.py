"""`earthward check`: whether a configuration is sound, and every problem it has if not."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from earthward.cli.output import DONE, WRONG_USE, print_json
from earthward.config.compile import compile
from earthward.config.load import load
from earthward.config.problems import ConfigErrors
from earthward.config.snapshot import Price, Route, Snapshot, Target
from earthward.quality.judge import is_of_family
from earthward.rollout.plan import Plan

CONFIG = Path("earthward.yaml")
WORDS = ("model", "task", "priority", "data", "key", "app", "team", "needs")
"""Conditions that are lists of words."""


def check(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether a configuration is sound, and if not, every problem it has: line, column, what to write instead.

    Nothing is started and no secret is looked up. A sound one is summed up: each target with its zone and
    price, each route with what it is for and where that goes.
    """
    try:
        snapshot = compile(load(config))
    except ConfigErrors as errors:
        _tell_problems(errors, json=json)
        raise typer.Exit(WRONG_USE) from None
    if json:
        print_json({"ok": True, "file": str(config), "problems": [], **_summary(snapshot)})
    else:
        print("\n".join(_lines(config, snapshot)))
    raise typer.Exit(DONE)


def _tell_problems(errors: ConfigErrors, *, json: bool) -> None:
    if json:
        print_json({"ok": False, "problems": errors.problems})
        return
    print(errors)
    print(f"\n{_count(len(errors.problems), 'problem')}. A gateway would refuse this file.")


def _summary(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "version": snapshot.version,
        "providers": [provider.name for provider in snapshot.providers],
        "targets": [
            {"name": it.name, "provider": it.provider, "model": it.model, "zone": it.zone, "price": _price(it.price)}
            for it in snapshot.targets
        ],
        "routes": [route.name for route in snapshot.routes],
        "set_aside": {route.name: told for route in snapshot.routes if (told := _set_aside(route))},
        "warnings": _partial_judges(snapshot),
    }


def _lines(config: Path, snapshot: Snapshot) -> list[str]:
    parts = {"provider": snapshot.providers, "target": snapshot.targets, "route": snapshot.routes}
    counts = ", ".join(_count(len(found), word) for word, found in parts.items())
    table = _table([(it.name, it.provider, it.model, it.zone, _price_line(it)) for it in snapshot.targets])
    routes = _table([(it.name, _what_for(it), _where_to(it)) for it in snapshot.routes])
    minded = [*_left_out(snapshot), *(f"mind: {it}" for it in _partial_judges(snapshot))]
    return [f"{config} is sound: {counts}.", "", *table, "", *routes, *([""] if minded else []), *minded]


def _left_out(snapshot: Snapshot) -> list[str]:
    return [
        f"mind: the rollout of route `{it.name}` leaves out {told}" for it in snapshot.routes for told in _set_aside(it)
    ]


def _partial_judges(snapshot: Snapshot) -> list[str]:
    """Judges that may be partial to an arm, being of its family."""
    models = {target.name: target.model for target in snapshot.targets}
    return [
        f"the judge `{route.sampling.judge}` of route `{route.name}` is of the same family as `{arm}`"
        for route in snapshot.routes
        if route.sampling and route.sampling.judge
        for arm in (route.baseline, route.candidate)
        if arm and is_of_family(models[route.sampling.judge], models[arm])
    ]


def _set_aside(route: Route) -> tuple[str, ...]:
    """What of its rollout's plan nothing measures."""
    plan = _plan(route)
    return plan.set_aside if plan else ()


def _plan(route: Route) -> Plan | None:
    return msgspec.msgpack.decode(route.plan, type=Plan) if route.plan else None


def _what_for(route: Route) -> str:
    """The conditions as one would say them."""
    when = route.when
    told = [f"{name} {', '.join(words)}" for name in WORDS if (words := getattr(when, name))]
    if when.tokens:
        told.append(f"{when.tokens[0]} to {when.tokens[1]} tokens")
    if when.time:
        told.append("its hours of the week")
    return " and ".join(told) or "everything"


def _where_to(route: Route) -> str:
    """Who serves, and who steps in."""
    first = route.use or route.baseline or ""
    if route.candidate:
        plan = _plan(route)
        how_far = f"by the rollout {plan.name}" if plan else f"for {route.share / 100:g}%"
        first += f" and {route.candidate} {how_far}" + (" and pilots" if route.pilots else "")
    then = f", then {', '.join(route.fallback)}" if route.fallback else ""
    return f"→ {first}{then}" + ("; nothing leaves" if route.boundary == "local" else "")


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"  {line.rstrip()}" for line in lines]


def _count(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")


def _price_line(target: Target) -> str:
    price = target.price
    if price.input is None and price.output is None:
        return "no price known" if target.zone == "cloud" else "no price"
    if not (price.input or price.output or price.request):
        return "free"
    return f"{_dollars(price.input)} in, {_dollars(price.output)} out per million tokens ({price.source})"


def _price(price: Price) -> dict[str, Any]:
    """Dollars per million tokens."""
    names = ("input", "output", "cached", "cache_written")
    return {**{name: _per_million(getattr(price, name)) for name in names}, "source": price.source}


def _per_million(pico: int | None) -> float | None:
    return None if pico is None else pico / 1e6


def _dollars(pico: int | None) -> str:
    return "?" if pico is None else f"${pico / 1e6:.10f}".rstrip("0").rstrip(".")
