import pytest

from earthward.chat.usage import Count, Usage
from earthward.ledger.record import Attempt, Settled
from earthward.ledger.summary import summaries
from earthward.store import queries
from earthward.store.intake import Intake
from earthward.store.spool import SpoolWriter

HOUR = 3_600_000_000_000


@pytest.fixture
def store(engine, spools):
    """Stores these records, the way they get there in life."""
    boots = iter(range(1000))

    def store(*entries: Settled) -> None:
        writer = SpoolWriter(spools, "here", f"boot{next(boots)}")
        for entry in entries:
            writer.append(entry)
        writer.close()
        taking = Intake(engine, spools, "here")
        while not taking.step().is_drained:
            pass

    return store


def test_an_exchange_is_found_by_its_id_and_reads_back_as_it_was_settled(engine, store, settled):
    entry = settled("x-1", usage=Usage(Count.reported(7), Count.estimated(3)), dropped=("seed", "top_k"))
    store(entry, settled("x-2"))
    assert queries.exchange(engine, "x-1") == entry.record
    assert queries.exchange(engine, "nobody") is None


def test_the_newest_are_those_that_were_settled_last(engine, store, settled):
    store(settled("a", accepted_at=3), settled("b", accepted_at=1), settled("c", accepted_at=2))
    assert [record.id for record in queries.newest(engine, 2)] == ["b", "c"]
    assert queries.newest(engine, 0) == []


def test_following_shows_each_exchange_once(engine, store, settled):
    assert queries.end(engine) == 0
    store(settled("a"), settled("b"))
    first = queries.end(engine)
    store(settled("c", accepted_at=0), settled("d"))
    second = queries.end(engine)
    assert [record.id for record in queries.stored_after(engine, 0, first)] == ["a", "b"]
    assert [record.id for record in queries.stored_after(engine, first, second)] == ["c", "d"]
    assert queries.stored_after(engine, second, queries.end(engine)) == []


def test_sums_of_the_store_are_those_of_its_records(engine, store, settled):
    entries = [
        settled(
            f"x-{n}",
            accepted_at=n % 5 * HOUR,
            arm="candidate" if n % 4 == 0 else "baseline",
            target="llama" if n % 4 == 0 else "mini",
            status="failed" if n % 7 == 0 else "ok",
            first_content=None if n % 11 == 0 else (n + 1) * 1_000_000,
            duration=(n + 500) * 1_000_000,
            usage=Usage(Count.reported(n), Count() if n % 13 == 0 else Count.reported(2 * n)),
            cost=None if n % 5 == 0 else n,
            attempts=(Attempt("llama" if n % 3 == 0 else "mini", "", "", 0),),
        )
        for n in range(200)
    ]
    store(*entries)
    exact = summaries(entry.record for entry in entries)
    stored = queries.summaries(engine)
    assert len(exact) == 2
    for one, other in zip(exact, stored, strict=True):
        for name in one.__struct_fields__:
            if name in ("ttft_p50", "ttft_p95"):
                assert getattr(other, name) == pytest.approx(getattr(one, name), rel=0.026)
            else:
                assert getattr(other, name) == getattr(one, name), name


def test_sums_may_be_of_some_hours_only(engine, store, settled):
    store(*(settled(f"x-{n}", accepted_at=n * HOUR, first_content=5) for n in range(6)))
    (found,) = queries.summaries(engine, range(2, 4))
    assert found.requests == 2
    assert queries.summaries(engine, range(100, 200)) == []
