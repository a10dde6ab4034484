"""What is left of limits, as callers hear it in headers, and people in answers to what they ask."""

import time
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from earthward.config.snapshot import Account, Scope
from earthward.routing.limits import (
    NANO,
    PERIODS,
    WINDOW,
    Spent,
    Use,
    counted,
    dollars,
    left,
    over,
    renews,
    until_empty,
)


class Left(NamedTuple):
    """Somebody with limits, and what they have used; `spent` by day, week and month, of which `day` is in all."""

    account: Account
    use: Use
    spent: list[int]
    day: int


class Remaining(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is left of one limit. Budgets are in US dollars; `renews_in` is in seconds, 0 where all is there."""

    scope: Scope
    name: str
    limit: str
    of: float
    used: float
    left: float
    renews_in: float = 0.0
    is_soft: bool = False


def remaining(found: Left) -> list[Remaining]:
    account, used = found.account, found.use
    quota, who = account.quota, (account.scope, account.name)
    told: list[Remaining] = []
    for limit, of, now, before in (
        ("rpm", quota.rpm, used.requests, used.requests_before),
        ("tpm", quota.tpm, used.tokens, used.tokens_before),
    ):
        if of is not None:
            free_in = until_empty(now, before, used.into) / 1000
            counts = round(counted(now, before, used.into) / WINDOW, 1)
            told.append(Remaining(*who, limit, of, counts, left(of, now, before, used.into), free_in))
    if quota.parallel is not None:
        rest = max(0, quota.parallel - used.in_flight)
        told.append(Remaining(*who, "parallel", quota.parallel, used.in_flight, rest))
    for budget in quota.budgets:
        amount = found.spent[PERIODS.index(budget.every)]
        ends = max(0.0, round(renews(budget.every, found.day) - time.time(), 1))
        for nano, is_soft in ((budget.hard, False), (budget.soft, True)):
            if nano is not None:
                limit, rest = f"budget/{budget.every}", max(0, nano - amount)
                told.append(Remaining(*who, limit, nano / NANO, amount / NANO, rest / NANO, ends, is_soft))
    return told


def lines(dialect: str, found: Iterable[Left]) -> bytes:
    """Header lines, in the words of the caller's vendor: of several limits on the same, the one with the least left."""
    anthropic = dialect == "anthropic_messages"
    tightest: dict[str, tuple[int, int, int]] = {}
    warned = b""
    for each in found:
        for what, limit, now, before in _rates(each):
            rest = left(limit, now, before, each.use.into)
            if what not in tightest or rest < tightest[what][1]:
                tightest[what] = limit, rest, until_empty(now, before, each.use.into)
        soft = over(each.account.quota, each.spent, each.day, soft=True)
        if soft is not None:
            warned += b"x-earthward-budget: %b\r\n" % _warning(each.account, soft)
    form = _anthropic if anthropic else _openai
    return b"".join([form(what, *told) for what, told in tightest.items()]) + warned


def is_of_rates(name: bytes) -> bool:
    """Whether this is a vendor's header on what is left of its own limits, which are not those of the caller."""
    return name.startswith((b"x-ratelimit-", b"anthropic-ratelimit-"))


def _rates(found: Left) -> Iterable[tuple[str, int, int, int]]:
    quota, used = found.account.quota, found.use
    if quota.rpm is not None:
        yield "requests", quota.rpm, used.requests, used.requests_before
    if quota.tpm is not None:
        yield "tokens", quota.tpm, used.tokens, used.tokens_before


def _openai(what: str, limit: int, rest: int, free_in: int) -> bytes:
    reset = f"{free_in / 1000:g}s"
    return (
        f"x-ratelimit-limit-{what}: {limit}\r\nx-ratelimit-remaining-{what}: {rest}\r\n"
        f"x-ratelimit-reset-{what}: {reset}\r\n"
    ).encode()


def _anthropic(what: str, limit: int, rest: int, free_in: int) -> bytes:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + free_in / 1000))
    name = f"anthropic-ratelimit-{what}"
    return f"{name}-limit: {limit}\r\n{name}-remaining: {rest}\r\n{name}-reset: {at}\r\n".encode()


def _warning(account: Account, soft: Spent) -> bytes:
    """Names are people's own, and must not end a line or begin another."""
    amounts = f"{dollars(soft.nano)} spent this {soft.every}, soft limit {dollars(soft.limit)}"
    text = f"{account.scope} {account.name}: {amounts}"
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text).encode()
