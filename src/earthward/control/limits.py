"""The control process's part in limits: tells the meters what was spent before they began, and people what is used.

What workers count themselves they read off each other's meters. What was spent in the same day, week or month before
a meter was there is in the ledger; it is looked up when the meter is new, and again a few times, since the last
records from before may still be on their way.
"""

import math
import threading
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Engine

from earthward.config.snapshot import Account, Key, Snapshot
from earthward.cost.budgets import Amount, Budget
from earthward.gateway.limiting import Metered, clock, today
from earthward.gateway.limits_left import Remaining, remaining
from earthward.gateway.meters import CARRIED, Meters, account_of
from earthward.routing import limits
from earthward.routing.limits import DAY, NANO, PERIODS, SINCE
from earthward.store.spent import Place, spent_before

LOOKS = (0.0, 1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds after a meter is known at which it is looked up what was spent before it."""
AFTER_ERROR = 5.0
AT_A_TIME = 5000
"""Budgets that are looked at for alerts with each look: with a hundred thousand, the next ones wait their turn."""


class _Batch(NamedTuple):
    due: float
    looks: int
    since: int
    accounts: tuple[Account, ...]


class Limits:
    """Who has limits, and what they have used."""

    def __init__(self, meters: Meters, started: int) -> None:
        """`started` is when the meters were laid out, Unix nanoseconds: workers may count before this process looks."""
        self._meters = meters
        self._started = started
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, str], Account] = {}
        self._batches: list[_Batch] = []
        self._clouds: tuple[str, ...] = ()
        self._webhook: str | None = None
        self._turn = 0
        self._is_told = False

    def know(self, snapshot: Snapshot, keys: Iterable[Key]) -> None:
        """Takes in who has limits now; called again with every change."""
        self._clouds = tuple(target.name for target in snapshot.targets if target.zone == "cloud")
        self._webhook = snapshot.limits_webhook
        own = (account_of(key) for key in keys)
        known: dict[tuple[str, str], Account] = {
            (it.scope, it.name): it for it in (*snapshot.accounts, *own) if it is not None
        }
        fresh = [it for who, it in known.items() if who not in self._accounts or self._accounts[who].cell != it.cell]
        self._accounts = known
        now = self._started if self._meters.is_first("known") else time.time_ns()
        by_since: dict[int, list[Account]] = {}
        for account in fresh:
            by_since.setdefault(self._since(account, now), []).append(account)
        due = time.monotonic()
        with self._lock:
            self._batches += [_Batch(due, 0, since, tuple(accounts)) for since, accounts in by_since.items()]

    def _since(self, account: Account, now: int) -> int:
        """From when its meter counts. Stays, if this process is not the first."""
        cells, mine, _ = self._meters.place(account.cell)
        limits.own(cells, mine, limits.owner(account.scope, account.name))
        if not cells[mine + SINCE]:
            cells[mine + SINCE] = now
        return cells[mine + SINCE]

    def look(self, engine: Engine) -> None:
        """Looks up what is due. Raises SQLAlchemyError where the store is away; it is then due again soon."""
        now = time.monotonic()
        with self._lock:
            due = [batch for batch in self._batches if batch.due <= now]
            self._batches = [batch for batch in self._batches if batch.due > now]
        coming = [batch._replace(due=now + AFTER_ERROR) for batch in due]
        try:
            for number, batch in enumerate(due):
                self._carry(engine, batch)
                looks = batch.looks + 1
                pause = LOOKS[looks] - LOOKS[batch.looks] if looks < len(LOOKS) else math.inf
                coming[number] = batch._replace(due=now + pause, looks=looks)
        finally:
            with self._lock:
                self._batches += [batch for batch in coming if batch.due < math.inf]
        if not self._is_told:
            self._meters.is_first(CARRIED)
            self._is_told = True

    def _carry(self, engine: Engine, batch: _Batch) -> None:
        day = today()
        places: list[Place] = [(it.scope, it.name) for it in batch.accounts]
        amounts = [
            spent_before(engine, places, limits.began(every, day) * DAY * NANO, batch.since, self._clouds)
            for every in PERIODS
        ]
        for account in batch.accounts:
            cells, mine, _ = self._meters.place(account.cell)
            if cells[mine] == limits.owner(account.scope, account.name):
                limits.carry(cells, mine, [found.get((account.scope, account.name), 0) for found in amounts], day)

    # -- told to people --------------------------------------------------------------------------------------------

    def usage(self, scope: str | None = None, name: str | None = None) -> list[Remaining]:
        """All limits there are, or those of one scope or name, and what is left of each."""
        now, day = clock(), today()
        chosen = (
            it for it in self._accounts.values() if scope in (None, it.scope) and (name is None or name == it.name)
        )
        return [each for it in chosen for each in remaining(Metered(it, self._meters).left(now, day))]

    def budgets(self) -> Iterator[tuple[Budget, Amount]]:
        """Budgets with what was spent of each, for alerts: of very many some at a time."""
        day = today()
        budgeted = [it for it in self._accounts.values() if it.quota.budgets]
        start = self._turn if self._turn < len(budgeted) else 0
        self._turn = start + AT_A_TIME
        for account in budgeted[start : self._turn]:
            spent = Metered(account, self._meters).spent(day)
            for budget in account.quota.budgets:
                for limit in (budget.soft, budget.hard):
                    if limit is not None:
                        name = f"{account.scope} {account.name}"
                        yield (
                            Budget(name, "spend", limit, budget.every, webhook=self._webhook),
                            Amount(spent[PERIODS.index(budget.every)]),
                        )

    def configured(self) -> list[Remaining]:
        """What is left to those that the configuration names, for metrics: keys may be too many."""
        return [each for scope in ("team", "app", "target") for each in self.usage(scope)]
