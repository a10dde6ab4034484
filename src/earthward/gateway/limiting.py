"""Limits in one exchange: who has which, whether there is room, and what was used when it is over.

What is decided is decided in `routing.limits`; here clocks are read and the meters written. A request nobody has
limits for never gets here.
"""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.chat.usage import Usage
from earthward.config.snapshot import Account, Key
from earthward.gateway.board import LIMIT_COLUMNS
from earthward.gateway.decide import Decision
from earthward.gateway.limits_left import Left, lines
from earthward.gateway.meters import Meters, account_of
from earthward.gateway.refused import Refused
from earthward.ledger.record import Attempt, Record
from earthward.routing import limits
from earthward.routing.limits import DAY, Spent
from earthward.routing.plan import Plan

if TYPE_CHECKING:
    from earthward.gateway.attempts import Attempts
    from earthward.gateway.exchange import Exchange
    from earthward.gateway.serving import Serving, ServingTarget
    from earthward.gateway.upstream import Outcome


class Metered:
    """Somebody with limits, and their meter as this process writes it."""

    __slots__ = ("_cells", "_mine", "_owner", "_places", "account")

    def __init__(self, account: Account, meters: Meters) -> None:
        self.account = account
        self._owner = limits.owner(account.scope, account.name)
        self._cells, self._mine, self._places = meters.place(account.cell)

    def use(self, now: int) -> limits.Use:
        return limits.use(self._cells, self._places, self._owner, now)

    def spent(self, day: int) -> list[int]:
        return limits.spent(self._cells, self._places, self._owner, day)

    def why_not(self, tokens: int, now: int) -> limits.Excess | None:
        return limits.excess(self.account.quota, self.use(now), tokens)

    def over(self, day: int, *, soft: bool = False) -> Spent | None:
        """The budget that is spent, if one is."""
        quota = self.account.quota
        return limits.over(quota, self.spent(day), day, soft=soft) if quota.budgets else None

    def enter(self, tokens: int, now: int) -> int:
        limits.own(self._cells, self._mine, self._owner)
        return limits.enter(self._cells, self._mine, tokens, now)

    def leave(self, entered: int, reserved: int, used: int, cost: int, now: int, day: int) -> None:
        if self._cells[self._mine] != self._owner:
            # The place was given to somebody else meanwhile.
            return
        limits.leave(self._cells, self._mine, entered, reserved, used, now)
        if cost:
            limits.spend(self._cells, self._mine, cost, day)

    def left(self, now: int, day: int) -> Left:
        return Left(self.account, self.use(now), self.spent(day), day)


class Held:
    """What one request holds of some accounts until it is over."""

    __slots__ = ("_accounts", "_day", "_entered", "_reserved")

    def __init__(self, accounts: Sequence[Metered], tokens: int, now: int) -> None:
        self._accounts = accounts
        self._reserved = tokens
        self._day = today()
        self._entered = [account.enter(tokens, now) for account in accounts]

    def give_back(self, used: int, cost: int) -> None:
        now = clock()
        for account, entered in zip(self._accounts, self._entered, strict=True):
            account.leave(entered, self._reserved, used, cost, now, self._day)
        self._accounts = ()
        self._entered = []


class Admission:
    """What limits said of one exchange: the lines that tell the caller, and what it holds."""

    __slots__ = ("_held", "lines")

    def __init__(self, lines: bytes, held: Held | None) -> None:
        self.lines = lines
        self._held = held

    def settle(self, record: Record, serving: "Serving") -> None:
        self.end(_tokens(record.usage), in_the_cloud(record.attempts, serving))

    def end(self, used: int = 0, cost: int = 0) -> None:
        """Once; what comes later is not heard."""
        if self._held is not None:
            self._held.give_back(used, cost)
            self._held = None


# -- who -----------------------------------------------------------------------------------------------------------


def metered(accounts: Iterable[Account], meters: Meters) -> dict[tuple[str, str], Metered]:
    """Those that the configuration names, by what and how they are called."""
    return {(account.scope, account.name): Metered(account, meters) for account in accounts}


def limits_of(key: Key, serving: "Serving", meters: Meters) -> tuple[Metered, ...]:
    """All limits that hold for whoever calls with this key, the key's own first."""
    own = account_of(key)
    named = (serving.metered.get(("team", key.team)), serving.metered.get(("app", key.app))) if serving.metered else ()
    found = (Metered(own, meters) if own is not None else None, *named)
    return tuple(account for account in found if account is not None)


# -- one exchange --------------------------------------------------------------------------------------------------


def admit(exchange: "Exchange", decision: Decision, tokens: int) -> Decision:
    """The decision, without what budgets no longer pay for; its caller has a place within all limits. Raises Refused.

    `tokens` are those that the prompt is estimated to have.
    """
    accounts = exchange.introduction.limits
    now, day = clock(), today()
    for account in accounts:
        found = account.why_not(tokens, now)
        if found is not None:
            exchange.decision = _unjudged(decision)
            _tell(exchange, account.account, found.what, now, day)
            message = limits.told_excess(account.account.scope, account.account.name, found)
            raise Refused(Failure(FailureKind.RATE_LIMITED, message, retry_after=found.retry_after))
    within = within_budgets(decision, accounts, exchange.serving, day)
    if within is not decision:
        _refuse_if_nothing_is_left(exchange, decision, within, now, day)
    if accounts:
        held = Held(accounts, tokens, now)
        exchange.admission = Admission(lines(exchange.door.dialect, _left(accounts, now, day)), held)
    return within


def _refuse_if_nothing_is_left(exchange: "Exchange", decision: Decision, within: Decision, now: int, day: int) -> None:
    """Counts what a budget has kept from the cloud, and refuses it where nobody else may serve it."""
    who, spent = _in_the_way(decision, exchange.introduction.limits, exchange.serving, day)
    if within.plan.attempts:
        exchange.worker.board.add(LIMIT_COLUMNS[who.scope, "budget"])
        return
    exchange.decision = within
    _tell(exchange, who, "budget", now, day)
    message = f"{limits.told_spent(who.scope, who.name, spent)}, and no target in the house may serve this request"
    raise Refused(Failure(FailureKind.PAYMENT, message, retry_after=max(1.0, spent.renews - time.time())))


def _tell(exchange: "Exchange", who: Account, what: limits.What, now: int, day: int) -> None:
    """Counts a refusal, and has the answer tell what is left."""
    exchange.worker.board.add(LIMIT_COLUMNS[who.scope, what])
    told = lines(exchange.door.dialect, _left(exchange.introduction.limits, now, day))
    exchange.admission = Admission(told, None)


def within_budgets(decision: Decision, accounts: Sequence[Metered], serving: "Serving", day: int) -> Decision:
    """The decision without targets in the cloud that a spent budget no longer pays for."""
    spent = spent_targets(decision.plan, accounts, serving, day)
    return msgspec.structs.replace(decision, plan=without(decision.plan, spent)) if spent else decision


def spent_targets(plan: Plan, accounts: Sequence[Metered], serving: "Serving", day: int) -> dict[str, str]:
    """The targets of a plan that are not to be asked, and why."""
    callers = _first_spent(accounts, day)
    found = {}
    for name, _ in plan.attempts:
        target = serving.targets[name]
        if target.target.zone != "cloud":
            continue
        own = callers or (_first_spent((target.limits,), day) if target.limits is not None else None)
        if own is not None:
            found[name] = limits.told_spent(own[0].scope, own[0].name, own[1])
    return found


def without(plan: Plan, spent: dict[str, str]) -> Plan:
    """The plan without these targets. Where the first goes, what is served tells nothing of how the arms compare."""
    kept = tuple(each for each in plan.attempts if each[0] not in spent)
    excluded = (*plan.excluded, *((name, spent[name]) for name, _ in plan.attempts if name in spent))
    if plan.attempts[0][0] not in spent:
        return msgspec.structs.replace(plan, attempts=kept, excluded=excluded)
    return msgspec.structs.replace(plan, attempts=kept, excluded=excluded, arm="only", share=0, bucket=-1)


async def within_limits_of(target: "ServingTarget", attempts: "Attempts", why: str, tokens: int) -> "Outcome":
    """One target tried within its own limits, or left out because they are reached."""
    metered = target.limits
    assert metered is not None
    now = clock()
    found = metered.why_not(tokens, now)
    if found is not None:
        attempts.worker.board.add(LIMIT_COLUMNS["target", found.what])
        message = limits.told_excess("target", target.name, found)
        failure = Failure(FailureKind.RATE_LIMITED, message, retry_after=found.retry_after)
        return attempts.left_out(target, why, failure)
    held, before = Held((metered,), tokens, now), len(attempts.made)
    try:
        return await attempts.try_one(target, why)
    finally:
        made = attempts.made[before:]
        used = sum(_tokens(attempt.usage) for attempt in made)
        held.give_back(used, sum(attempt.cost or 0 for attempt in made) if target.target.zone == "cloud" else 0)


def foreseen(exchange: "Exchange", decision: Decision) -> tuple[Decision, tuple[Left, ...]]:
    """What would be decided now, and what is left of all limits that apply."""
    accounts, now, day = exchange.introduction.limits, clock(), today()
    names = [name for name, _ in decision.plan.attempts]
    own = [target.limits for name in names if (target := exchange.serving.targets[name]).limits is not None]
    known = [*accounts, *(each for each in own if each is not None)]
    return within_budgets(decision, accounts, exchange.serving, day), _left(known, now, day)


def in_the_cloud(attempts: Iterable[Attempt], serving: "Serving") -> int:
    """Nano-dollars that these cost in the cloud, as far as that is known."""
    targets = serving.targets
    return sum(it.cost or 0 for it in attempts if it.target in targets and targets[it.target].target.zone == "cloud")


def clock() -> int:
    """Milliseconds of the clock that all processes share."""
    return int(time.monotonic() * 1000)


def today() -> int:
    """Days since 1970, UTC."""
    return int(time.time()) // DAY


def _left(accounts: Iterable[Metered], now: int, day: int) -> tuple[Left, ...]:
    return tuple(account.left(now, day) for account in accounts)


def _first_spent(accounts: Sequence[Metered], day: int) -> tuple[Account, Spent] | None:
    found = ((account.account, account.over(day)) for account in accounts)
    return next(((account, spent) for account, spent in found if spent is not None), None)


def _in_the_way(decision: Decision, accounts: Sequence[Metered], serving: "Serving", day: int) -> tuple[Account, Spent]:
    """The budget in the way: the caller's own, else the one of a target that renews first."""
    callers = _first_spent(accounts, day)
    if callers is not None:
        return callers
    targets = (serving.targets[name].limits for name, _ in decision.plan.attempts)
    found = [_first_spent((target,), day) for target in targets if target is not None]
    return min((each for each in found if each is not None), key=lambda each: each[1].renews)


def _unjudged(decision: Decision) -> Decision:
    """Refused before anybody was asked: neither arm's doing."""
    return msgspec.structs.replace(
        decision, plan=msgspec.structs.replace(decision.plan, arm="only", share=0, bucket=-1)
    )


def _tokens(usage: Usage) -> int:
    return usage.input.tokens + usage.output.tokens
