from sqlalchemy import insert

from earthward.ledger.record import Record
from earthward.store.spent import HOUR, spent_before
from earthward.store.tables import exchange_hours, exchanges

START = 480_000 * HOUR


def put(engine, at: int, cost: int | None, **who: str) -> None:
    """As the intake does: the exchange, and the hour it is in."""
    with engine.begin() as connection:
        defaults = {"key": "k", "team": "", "app": "", "target": "mini"} | who
        blank = {column.name: 0 if column.type.python_type is int else "" for column in exchanges.c}
        row = blank | defaults | {"id": f"{at}", "accepted_at": at, "cost": cost, "usage_sources": "uuuuu"}
        row.pop("number")
        connection.execute(insert(exchanges).values(**row))
        hour = {column.name: 0 if column.type.python_type is int else "" for column in exchange_hours.c}
        hour |= defaults | {"hour": at // HOUR, "cost": cost or 0, "status": f"{at}"}
        connection.execute(insert(exchange_hours).values(**hour))


def test_what_was_spent_up_to_a_moment_within_an_hour_is_counted_to_the_nanosecond(engine):
    end = START + 2 * HOUR + 500
    for at, cost in ((START - 1, 1), (START, 10), (START + HOUR + 7, 100), (end - 1, 1000), (end, 10_000)):
        put(engine, at, cost)
    assert spent_before(engine, [("key", "k")], START, end, ["mini"]) == {("key", "k"): 1110}
    assert spent_before(engine, [("key", "k")], START, START, ["mini"]) == {}
    assert spent_before(engine, [("key", "k")], START, START + 5, ["mini"]) == {("key", "k"): 10}


def test_each_scope_is_counted_by_itself_and_only_what_was_served_in_the_cloud(engine):
    put(engine, START, 1, key="a", team="web", app="shop")
    put(engine, START + 1, 10, key="b", team="web", app="till")
    put(engine, START + 2, 100, key="a", team="web", target="llama")
    put(engine, START + 3, None, key="a")
    who = [("key", "a"), ("team", "web"), ("app", "till"), ("target", "mini"), ("key", "nobody")]
    found = spent_before(engine, who, START, START + HOUR, ["mini"])
    assert found == {("key", "a"): 1, ("team", "web"): 11, ("app", "till"): 10, ("target", "mini"): 11}
    assert spent_before(engine, who, START, START + HOUR, []) == {}


def test_of_very_many_names_all_are_asked_for_at_once(engine):
    put(engine, START, 5, key="k7")
    many = [("key", f"k{number}") for number in range(500)]
    assert spent_before(engine, many, START, START + HOUR, ["mini"])["key", "k7"] == 5


def test_the_ledgers_own_rows_have_what_is_asked_for():
    assert {"key", "team", "app", "target", "cost", "accepted_at"} <= set(Record.__struct_fields__)
