import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec import structs
from sqlalchemy import Engine, delete, func, select, update

from earthward.chat.usage import Count, Usage
from earthward.config.money import Money, Retention
from earthward.config.snapshot import Hook, Price, Provider, Rate, Route, Snapshot, Target
from earthward.control.bookkeeper import Bookkeeper
from earthward.control.webhooks import NotTold
from earthward.cost.budgets import Budget
from earthward.cost.energy import Power
from earthward.cost.own import OwnRate
from earthward.ledger.record import Attempt, Settled
from earthward.store import money as books
from earthward.store.fresh import Fresh, Stored
from earthward.store.intake import Intake
from earthward.store.spool import SpoolWriter
from earthward.store.tables import MONEY_NAMES, exchanges, money_sums
from harness import until

HOUR = 3_600_000_000_000
NANO = 10**9
START = 490_000 * HOUR
USED = Usage(Count.reported(1000), Count.reported(100), Count.reported(0), Count.reported(0))
SNAPSHOT = Snapshot(
    "v1",
    "d",
    (Provider("cloud", "openai", "openai_chat", "cloud", ()), Provider("house", "x", "openai_chat", "local", ())),
    (
        Target("mini", "cloud", "gpt-4o-mini", "cloud", price=Price(150_000, 600_000, 75_000, 150_000)),
        Target("llama", "house", "llama", "local"),
    ),
    (Route("trial", baseline="mini", candidate="llama"),),
)
FREE = OwnRate(Power(Decimal(0), Decimal(0), Decimal(0)), amortisation=10_000)
MONEY = Money(own_costs={"llama": FREE})


@pytest.fixture
def store(engine: Engine, spools) -> Callable[..., None]:
    boots = iter(range(1000))

    def store(*entries: Settled, on_stored: Callable[[Stored], None] = lambda stored: None) -> None:
        writer = SpoolWriter(spools, "here", f"boot{next(boots)}")
        for entry in entries:
            writer.append(entry)
        writer.close()
        taking = Intake(engine, spools, "here", on_stored)
        while not taking.step().is_drained:
            pass

    return store


def attempt(target: str, cost: int | None) -> Attempt:
    return Attempt(target, "u", "first", START, duration=10**9, usage=USED, cost=cost)


def exchange(settled, id: str, *attempts: Attempt, at: int = START, **fields: object) -> Settled:
    last = attempts[-1]
    who = {"route": "trial", "requested_model": "gpt-4o-mini", "target": last.target, "usage": last.usage}
    return settled(id, accepted_at=at, attempts=attempts, **{**who, **fields})


def keeper(engine: Engine, money: Money = MONEY, now: int = START, **options: object) -> Bookkeeper:
    return Bookkeeper(engine, lambda: SNAPSHOT, lambda: money, clock=lambda: now, **options)  # type: ignore[arg-type]


def test_each_exchange_is_booked_once_into_minute_hour_and_day(engine, store, settled) -> None:
    store(*(exchange(settled, f"x{n}", attempt("mini", 7), at=START + n * 61 * NANO) for n in range(3)))
    book = keeper(engine)
    assert [book.step(), book.step()] == [3, 0]
    store(exchange(settled, "x9", attempt("mini", 7)))
    assert book.step() == 1
    for grain, rows in (("minute", 3), ("hour", 1), ("day", 1)):
        found = books.sums_by(engine, ["start"], grain=grain)
        assert (len(found), sum(row.sums.cost for row in found)) == (rows, 28)


def test_a_second_bookkeeper_books_nothing_twice(engine, store, settled) -> None:
    store(exchange(settled, "x", attempt("mini", 7)))
    books.book(engine, [], 0, 1)
    with pytest.raises(books.Overtaken):
        books.book(engine, [(1, *[""] * 10, *[1] * 18)], 0, 1)
    assert books.sums_by(engine) == []


def test_what_is_fresh_is_booked_without_being_read_back_and_comes_to_the_same(engine, store, settled) -> None:
    fresh = Fresh()
    entries = [exchange(settled, f"x{n}", attempt("llama", None), at=START + n * 61 * NANO) for n in range(3)]
    store(*entries, on_stored=fresh.add)
    with engine.begin() as connection:
        connection.execute(update(exchanges).values(attempts="no JSON at all"))
    book = keeper(engine, fresh=fresh)
    assert [book.step(), book.step()] == [3, 0]
    booked = books.sums_by(engine, ["start", *MONEY_NAMES], grain="hour")
    with engine.begin() as connection:
        for table in (exchanges, money_sums, books.booked):
            connection.execute(delete(table))
    store(*(structs.replace(it, record=structs.replace(it.record, id=f"y{n}")) for n, it in enumerate(entries)))
    keeper(engine).step()
    assert booked == books.sums_by(engine, ["start", *MONEY_NAMES], grain="hour")


def test_what_is_no_longer_fresh_is_read_back_and_what_was_booked_is_not_booked_again(engine, store, settled) -> None:
    fresh = Fresh(most=2)
    for n in range(3):
        store(exchange(settled, f"x{n}", attempt("mini", 7)), on_stored=fresh.add)
    book = keeper(engine, fresh=fresh)
    assert [book.step(), book.step()] == [3, 0]
    store(exchange(settled, "y", attempt("mini", 7)), on_stored=fresh.add)
    assert [keeper(engine, fresh=fresh).step(), keeper(engine, fresh=fresh).step()] == [1, 0]
    with pytest.raises(books.Overtaken):
        book.step()
    assert book.step() == 0
    assert sum(row.sums.cost for row in books.sums_by(engine)) == 28


def test_what_is_saved_is_the_price_of_the_model_that_was_asked_for_less_own_cost(engine, store, settled) -> None:
    store(exchange(settled, "x", attempt("mini", 30), attempt("llama", None)))
    keeper(engine).step()
    sums = {row.name: row.sums for row in books.sums_by(engine, ["purpose", "target"])}
    served = sums["serve", "llama"]
    own = 1100 * 10
    assert (served.counterfactual, served.own_cost, served.saved) == (210_000, own, 210_000 - own)
    assert (sums["retry", "mini"].cost, sums["retry", "mini"].saved) == (30, 0)


def test_an_unknown_model_falls_back_to_the_baselines_price(engine, store, settled) -> None:
    store(exchange(settled, "x", attempt("llama", None), requested_model="our-alias"))
    keeper(engine).step()
    assert books.sums_by(engine)[0].sums.counterfactual == 210_000


def test_without_an_own_cost_nothing_is_said_to_be_saved(engine, store, settled) -> None:
    store(exchange(settled, "x", attempt("llama", None)))
    keeper(engine, Money()).step()
    sums = books.sums_by(engine)[0].sums
    assert (sums.saved, sums.unknown_saved, sums.unknown_own) == (0, 1, 1)


def test_sums_can_be_asked_for_by_time_and_by_who(engine, store, settled) -> None:
    store(exchange(settled, "a", attempt("mini", 1), app="shop"), exchange(settled, "b", attempt("mini", 2), app="x"))
    keeper(engine).step()
    minutes = range(START // (60 * NANO), START // (60 * NANO) + 1)
    assert books.sums_by(engine, grain="minute", within=minutes, app="shop")[0].sums.cost == 1
    assert books.sums_by(engine, grain="minute", within=range(5)) == []


def test_a_budget_is_told_once_and_again_in_a_new_period(engine, store, settled) -> None:
    sent: list[str] = []
    money = Money(budgets=(Budget("b", "spend", 10, every="day", webhook="https://x.example"),))
    store(exchange(settled, "x", attempt("mini", 30)))
    book = keeper(engine, money, post=lambda hook, body, now, event: sent.append(event))
    book.step()
    assert len(book.tell_budgets()) == 1
    assert book.tell_budgets() == []
    assert keeper(engine, money, post=lambda hook, body, now, event: sent.append(event)).tell_budgets() == []
    assert len(sent) == 1


def test_an_alert_that_reached_nobody_is_sent_again(engine, store, settled) -> None:
    def refuse(hook: Hook, body: object, now: float, event: str) -> None:
        raise NotTold("it can't be reached: Connection refused")

    money = Money(budgets=(Budget("b", "spend", 10, webhook="https://x.example"),))
    store(exchange(settled, "x", attempt("mini", 30)))
    book = keeper(engine, money, post=refuse)
    book.step()
    assert book.tell_budgets() == []
    sent: list[str] = []
    assert len(keeper(engine, money, post=lambda hook, body, now, event: sent.append(hook.url)).tell_budgets()) == 1
    assert sent == ["https://x.example"]


def test_a_webhook_that_hangs_does_not_keep_the_books_waiting(engine, store, settled) -> None:
    asked, free, stop = threading.Event(), threading.Event(), threading.Event()

    def hang(hook: Hook, body: object, now: float, event: str) -> None:
        asked.set()
        free.wait(60)

    money = Money(budgets=(Budget("b", "spend", 10, webhook="https://x.example"),))
    store(exchange(settled, "x", attempt("mini", 30)))
    keeper(engine, money).step()
    books_thread = threading.Thread(target=keeper(engine, money, post=hang).run, args=(stop,))
    books_thread.start()
    try:
        assert asked.wait(60)
        store(exchange(settled, "y", attempt("mini", 12)))
        until(lambda: books.sums_by(engine)[0].sums.cost == 42, "the books to go on")
    finally:
        stop.set()
        free.set()
        books_thread.join()


def test_a_goal_of_savings_is_told_when_it_is_reached(engine, store, settled) -> None:
    money = Money(own_costs={"llama": FREE}, budgets=(Budget("goal", "savings", 100_000),))
    store(exchange(settled, "x", attempt("llama", None)))
    book = keeper(engine, money)
    book.step()
    assert [it.kind for it in book.tell_budgets()] == ["savings"]


def test_only_what_is_old_and_booked_is_let_go(engine, store, settled) -> None:
    day = 24 * HOUR
    store(
        exchange(settled, "old", attempt("mini", 1)), exchange(settled, "new", attempt("mini", 2), at=START + 9 * day)
    )
    money = Money(retention=Retention(exchanges=5, minutes=5))
    book = keeper(engine, money, now=START + 10 * day)
    assert book.prune() == 0
    book.step()
    assert keeper(engine, money, now=START + 10 * day, needed_from=lambda: 0).prune() == 0, (
        "a rollout is yet to read it"
    )
    assert book.prune() == 1
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(exchanges)) == 1
    assert sum(row.sums.cost for row in books.sums_by(engine, grain="day")) == 3
    assert sum(row.sums.cost for row in books.sums_by(engine, grain="minute")) == 2


def test_exchanges_that_come_after_all_were_let_go_are_booked_all_the_same(engine, store, settled) -> None:
    store(*(exchange(settled, f"x{n}", attempt("mini", 1)) for n in range(3)))
    book = keeper(engine, Money(retention=Retention(exchanges=1)), now=START + 48 * HOUR)
    book.step()
    assert book.prune() == 2, "one stays, so that the numbers go on behind it"
    store(exchange(settled, "y", attempt("mini", 1)))
    assert book.step() == 1


def test_hours_that_a_months_budget_counts_are_kept_whatever_retention_says(engine, store, settled) -> None:
    store(exchange(settled, "x", attempt("mini", 2 * NANO)))
    budget = Budget("cloud", "spend", NANO)
    money = Money(budgets=(budget,), retention=Retention(hours=1))
    book = keeper(engine, money, now=START + 5 * 24 * HOUR)
    book.step()
    book.prune()
    assert [it.amount for it in book.tell_budgets()] == [2 * NANO]
    keeper(engine, Money(retention=Retention(hours=1)), now=START + 5 * 24 * HOUR).prune()
    assert books.sums_by(engine, grain="hour") == []


def test_a_long_prompt_asked_of_a_routes_name_would_have_cost_what_its_baseline_asks_for_long_ones(
    engine, store, settled
) -> None:
    short, long = Price(1000, 0, 1000, 1000), Price(2_000_000, 0, 2_000_000, 2_000_000)
    rates = (Rate(short, up_to=999), Rate(long, above=999))
    mini = structs.replace(SNAPSHOT.targets[0], price=short, rates=rates)
    snapshot = structs.replace(SNAPSHOT, targets=(mini, SNAPSHOT.targets[1]))
    store(exchange(settled, "x", attempt("llama", None), requested_model="assistant"))
    Bookkeeper(engine, lambda: snapshot, lambda: MONEY, clock=lambda: START).step()
    assert sum(row.sums.counterfactual for row in books.sums_by(engine)) == 2_000_000
