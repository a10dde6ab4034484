"""Books what was stored: values each exchange, adds it to the sums, tells when a budget is reached, drops old records.

Runs in a thread of the control process behind the intake, and from the command line; budgets are told of in another.
Nothing a request waits for depends on it; what it has not booked yet it books later.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.config.money import Money
from earthward.config.snapshot import Hook, Rate, Snapshot
from earthward.control.webhooks import WHOLE, NotTold, tell
from earthward.cost.budgets import Alert, Amount, Budget, alerts, crossed, period_of
from earthward.cost.counterfactual import Habits, counterfactual, habits
from earthward.cost.energy import joules
from earthward.cost.own import SECOND, own_cost
from earthward.cost.price_book import rates_of
from earthward.ledger.books import Alike, Worth, bookings
from earthward.ledger.record import Attempt, Record
from earthward.store import money as books
from earthward.store.fresh import Fresh

log = logging.getLogger(__name__)

BATCH = 2000
PAUSE = 0.25
BREATH = 0.005
HABITS_AGE = 60.0
PRUNE_EVERY = 3600.0
ALERT_EVERY = 5.0
AFTER_ERROR = 5.0
DAY_MINUTES = 1440
LONGEST_BUDGET = 32
"""Days."""
DAY_NANOSECONDS = DAY_MINUTES * 60 * 10**9


class Valuer:
    """What exchanges are worth under one snapshot and one set of own prices and costs."""

    def __init__(self, snapshot: Snapshot, money: Money, seen: dict[str, Habits]) -> None:
        self._targets = {target.name: target for target in snapshot.targets}
        self._homes = frozenset(target.name for target in snapshot.targets if target.zone == "local")
        self._baselines = {route.name: route.baseline or route.use for route in snapshot.routes}
        self._money = money
        self._habits = seen
        self._rates: dict[tuple[str, str], tuple[Rate, ...]] = {}

    def is_home(self, target: str) -> bool:
        return target in self._homes

    def zone(self, target: str) -> str:
        """Empty where the target is no longer in the configuration, or there was none."""
        found = self._targets.get(target)
        return found.zone if found else ""

    def worth(self, record: Record, attempt: Attempt, served: bool) -> Worth:
        """Of an attempt at home."""
        own, millijoules = self._own(attempt)
        if not served:
            return Worth(own, millijoules)
        return Worth(own, millijoules, self._counterfactual(record, attempt), self._is_displaced(record))

    def _own(self, attempt: Attempt) -> tuple[int | None, int]:
        rate = self._money.own_costs.get(attempt.target)
        if rate is None:
            return None, 0
        usage = attempt.usage
        is_known = usage.input.is_known and usage.output.is_known
        took = attempt.duration // rate.slots
        energy = round(joules(rate.power, took / SECOND) * 1000)
        return own_cost(rate, usage.input.tokens + usage.output.tokens if is_known else None, attempt.duration), energy

    def _is_displaced(self, record: Record) -> bool:
        """Whether a caller who asked for a model of the cloud got one at home."""
        return bool(self._rates_of(record.requested_model, record.route))

    def _counterfactual(self, record: Record, attempt: Attempt) -> int | None:
        rates = self._rates_of(record.requested_model, record.route)
        of = self._habits.get(record.requested_model, Habits())
        return counterfactual(rates, record.accepted_at, attempt.usage, record.characters_in, record.characters_out, of)

    def _rates_of(self, model: str, route: str) -> tuple[Rate, ...]:
        """Of the model that was asked for; where that is no model with a price, of the route's baseline."""
        key = (model, route)
        if key not in self._rates:
            self._rates[key] = self._found_rates(model, route)
        return self._rates[key]

    def _found_rates(self, model: str, route: str) -> tuple[Rate, ...]:
        found = rates_of(model, self._money.overrides)
        if found is not None:
            return found.rates
        baseline = self._targets.get(self._baselines.get(route) or "")
        is_priced = baseline is not None and baseline.zone == "cloud" and baseline.price.input is not None
        return baseline.rates or (Rate(baseline.price),) if baseline is not None and is_priced else ()


class Bookkeeper:
    """`snapshot` and `money` are asked for at every step, so that a change applies to what is booked from then on.

    Exchanges behind the number that `needed_from` tells are not deleted yet: a rollout has not read them.
    """

    def __init__(
        self,
        engine: Engine,
        snapshot: Callable[[], Snapshot],
        money: Callable[[], Money],
        *,
        clock: Callable[[], int] = time.time_ns,
        post: Callable[[Hook, dict[str, Any], float, str], None] = tell,
        needed_from: Callable[[], int | None] = lambda: None,
        counted: Callable[[], Iterable[tuple[Budget, Amount]]] = tuple,
        fresh: Fresh | None = None,
    ) -> None:
        """`counted` are budgets whose amounts somebody else counts; what is `fresh` is not read from the store."""
        self.engine = engine
        self._snapshot = snapshot
        self._money = money
        self._clock = clock
        self._post = post
        self._needed_from = needed_from
        self._counted = counted
        self._fresh = fresh or Fresh()
        # The number of the exchange that was booked last, as long as nothing went wrong.
        self._position: int | None = None
        self._habits: dict[str, Habits] = {}
        self._due = {"habits": 0.0, "prune": 0.0}

    def run(self, stop: threading.Event) -> None:
        """Books, tells and prunes until told to stop. A store that is away is tried again."""
        # A webhook that hangs must not keep the books waiting.
        telling = threading.Thread(target=self._tell_on, args=(stop,), name="budgets", daemon=True)
        telling.start()
        while not stop.is_set():
            try:
                behind = self.step() >= BATCH
                if self._is_due("prune", PRUNE_EVERY):
                    self.prune()
            except books.Overtaken:
                behind = True
            except SQLAlchemyError as error:
                log.warning("nothing can be booked, trying again: %s", getattr(error, "orig", None) or error)
                behind = False
            except Exception:
                # A record that can't be valued must not end the bookkeeping of all others without a word.
                log.exception("an error of our own in the books, trying again")
                behind = False
                stop.wait(AFTER_ERROR)
            # Even when behind it offers the core to others: books can wait, callers can't.
            stop.wait(BREATH if behind else PAUSE)
        # Whoever is being told is told, or told again after the next start.
        telling.join(WHOLE)

    def _tell_on(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.tell_budgets()
            except SQLAlchemyError as error:
                log.warning("budgets can't be looked at, trying again: %s", getattr(error, "orig", None) or error)
            except Exception:
                log.exception("an error of our own in telling of budgets, trying again")
            stop.wait(ALERT_EVERY)

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every
        return True

    def step(self) -> int:
        """Books the next exchanges, some at most; how many. Raises Overtaken."""
        after, self._position = self._position, None
        if after is None:
            after = books.position(self.engine)
        records = self._fresh.behind(after, BATCH)
        up_to = after + len(records)
        if not records:
            found = books.unbooked(self.engine, after, BATCH)
            records = [record for _, record in found]
            up_to = found[-1][0] if found else after
        if records:
            self._book(records, after, up_to)
        self._position = up_to
        return len(records)

    def _book(self, records: list[Record], after: int, up_to: int) -> None:
        if self._is_due("habits", HABITS_AGE):
            self._learn_habits()
        valuer = Valuer(self._snapshot(), self._money(), self._habits)
        books.book(self.engine, rows_of(records, valuer), after, up_to)

    def _learn_habits(self) -> None:
        snapshot = self._snapshot()
        clouds = [target.name for target in snapshot.targets if target.zone == "cloud"]
        rows = books.sums_by(self.engine, ["requested_model"], target=clouds, purpose="serve", arm=["baseline", "only"])
        self._habits = {
            row.name[0]: habits(
                row.sums.requests - row.sums.estimated - row.sums.errors,
                row.sums.input_tokens,
                row.sums.output_tokens,
                row.sums.cached_tokens,
                row.sums.characters_in,
                row.sums.characters_out,
            )
            for row in rows
        }

    # ── budgets ──

    def tell_budgets(self) -> list[Alert]:
        """What was told now. An alert that could not be sent is tried again with the next look."""
        now = self._clock()
        sent = []
        told = books.told(self.engine)
        booked = ((budget, self._amount(budget, period_of(budget, now)[1])) for budget in self._money().budgets)
        for budget, amount in chain(booked, self._counted()):
            period, _ = period_of(budget, now)
            for alert in alerts(budget, period, amount, told):
                if self._tell(alert, now):
                    sent.append(alert)
                    for key in crossed(budget, period, amount):
                        books.tell(self.engine, key, now)
        return sent

    def _amount(self, budget: Budget, hours: range) -> Amount:
        """Spend is all that was spent, retries and judges too; savings are what served saved."""
        where = {name: value for name in ("app", "team") if (value := getattr(budget, name)) is not None}
        minutes = range(hours.start * 60, hours.stop * 60)
        rows = books.sums_by(self.engine, grain="hour", within=minutes, **where)
        sums = [row.sums for row in rows]
        if budget.kind == "spend":
            return Amount(sum(it.cost for it in sums), sum(it.unknown_costs for it in sums))
        return Amount(sum(it.saved for it in sums), sum(it.unknown_saved for it in sums))

    def _tell(self, alert: Alert, now: int) -> bool:
        if not books.tell(self.engine, alert.key, now):
            return False
        log.warning("%s", alert.body()["text"])
        if alert.webhook is None:
            return True
        try:
            self._post(Hook(alert.budget, alert.webhook), alert.body(), float(now / SECOND), alert.key)
        except NotTold as problem:
            log.error("the webhook of budget %s was not told, trying again: %s", alert.budget, problem)
            books.forget(self.engine, alert.key)
            return False
        return True

    # ── what is kept ──

    def prune(self) -> int:
        kept = self._money().retention
        now = self._clock()
        limits: dict[books.Grain, int] = {}
        if kept.minutes is not None:
            limits["minute"] = now // (60 * 10**9) - kept.minutes * DAY_MINUTES
        if kept.hours is not None:
            # A month's budget is counted by the hour.
            hours = max(kept.hours, LONGEST_BUDGET) if self._money().budgets else kept.hours
            limits["hour"] = now // (60 * 10**9) - hours * DAY_MINUTES
        before = None if kept.exchanges is None else now - kept.exchanges * DAY_NANOSECONDS
        return books.prune(self.engine, exchanges_before=before, sums_before=limits, needed_from=self._needed_from())


def rows_of(records: Iterable[Record], valuer: Valuer) -> list[tuple[Any, ...]]:
    """As `store.money.book` takes them."""
    return [_row(it.of, valuer.zone(it.of.target), it.sums) for it in bookings(records, valuer.worth, valuer.is_home)]


def _row(of: Alike, zone: str, sums: tuple[int, ...]) -> tuple[Any, ...]:
    asked = (of.requested_model, of.app, of.team, of.data_class)
    return (of.minute, of.purpose, of.route, of.arm, str(of.stage), zone, of.target, *asked, *sums)
