"""The limits of a key as options of commands."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from earthward.cli.output import fail
from earthward.config.quotas import Amount, budget, spends
from earthward.config.snapshot import Quota, Spend
from earthward.routing.limits import dollars

NONE = "none"
MOST = 2**31
T = TypeVar("T")

Rpm = Annotated[str | None, typer.Option("--rpm", help="Requests per minute.")]
Tpm = Annotated[str | None, typer.Option("--tpm", help="Tokens per minute, of prompts and answers.")]
Parallel = Annotated[str | None, typer.Option("--parallel", help="Requests at a time.")]
Budget = Annotated[
    list[str] | None,
    typer.Option("--budget", help="Dollars for the cloud: 100/month, 20/week, 5/day; may be given for each."),
]
BudgetSoft = Annotated[
    list[str] | None, typer.Option("--budget-soft", help="Dollars past which callers are warned; as --budget.")
]


def changed(
    before: Quota | None,
    rpm: str | None,
    tpm: str | None,
    parallel: str | None,
    hard: list[str] | None,
    soft: list[str] | None,
) -> Quota | None:
    """The limits with these changes; None if there are none left. Ends the command where one makes no sense."""
    was = before or Quota()
    counts = [
        now if given is None else _counted(given, option)
        for given, now, option in ((rpm, was.rpm, "rpm"), (tpm, was.tpm, "tpm"), (parallel, was.parallel, "parallel"))
    ]
    hards = _amounts(hard, [(it.hard, it.every) for it in was.budgets if it.hard is not None], "budget")
    softs = _amounts(soft, [(it.soft, it.every) for it in was.budgets if it.soft is not None], "budget-soft")
    try:
        budgets = spends(hards, softs)
    except ValueError as error:
        fail(f"the key {error}")
    quota = Quota(counts[0], counts[1], counts[2], budgets)
    return None if quota == Quota() else quota


def told(quota: Quota | None) -> str:
    """In a few words."""
    if quota is None:
        return "none"
    counts = ((quota.rpm, "rpm"), (quota.tpm, "tpm"), (quota.parallel, "at a time"))
    words = [f"{limit:,} {name}" for limit, name in counts if limit is not None]
    return ", ".join([*words, *map(_budget, quota.budgets)])


def _budget(it: Spend) -> str:
    parts = [*([dollars(it.hard)] if it.hard is not None else []), *([f"{dollars(it.soft)} soft"] if it.soft else [])]
    return f"{' and '.join(parts)} a {it.every}"


def _counted(given: str, option: str) -> int | None:
    if given == NONE:
        return None
    if not (given.isascii() and given.isdigit() and 0 < int(given) <= MOST):
        fail(f"--{option} {given!r} is no limit; give a whole number above zero, or `none`")
    return int(given)


def _amounts(given: list[str] | None, before: list[Amount], option: str) -> list[Amount]:
    if given is None:
        return before
    return [] if given == [NONE] else [_read(budget, text, option) for text in given]


def _read(read: Callable[[str], T], text: str, option: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        fail(f"--{option} {text!r}: {error}")
