from itertools import product

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from earthward.bench.exchange import snapshot
from earthward.bench.spool import sample
from earthward.chat.failures import FailureKind
from earthward.chat.usage import COUNTS, Count, Source, Usage
from earthward.config.money import Money
from earthward.control.bookkeeper import Valuer, rows_of
from earthward.ledger.books import JUDGE_PATH, SHADOW_PATH
from earthward.ledger.record import Attempt, Record
from earthward.store.rows import BOOKED, booked_of, record_of, row_of
from earthward.store.tables import RECORD

counts = st.builds(Count) | st.builds(
    Count, st.integers(0, 10**9), st.sampled_from([Source.REPORTED, Source.ESTIMATED])
)
numbers = st.integers(0, 2**63 - 1)
texts = st.text(max_size=8)
failures = st.none() | st.sampled_from(FailureKind)
usages = st.builds(Usage, counts, counts, counts, counts, counts)
costs = st.none() | numbers
statuses = st.none() | st.integers(100, 599)
attempts = st.builds(
    Attempt, texts, texts, texts, numbers, numbers, statuses, failures, st.none() | texts, usages, costs
)
records = st.builds(
    Record,
    id=texts,
    accepted_at=numbers,
    status=st.sampled_from(["ok", "failed", "cancelled", "unknown"]),
    first_content=st.none() | numbers,
    stream=st.booleans(),
    requested_model=texts,
    arm=st.sampled_from(["baseline", "candidate", "only"]),
    share=st.integers(0, 10_000),
    attempts=st.lists(attempts, max_size=2).map(tuple),
    failure=failures,
    message=st.none() | texts,
    usage=usages,
    cost=costs,
    dropped=st.lists(texts, max_size=2).map(tuple),
)


@given(records)
def test_a_record_reads_back_from_its_row_as_it_was(record):
    assert record_of(row_of(record)) == record


def test_an_attempt_stored_before_attempts_had_a_cost_reads_with_none_of_its_own():
    row = dict(zip([column.name for column in RECORD], row_of(Record("x", 1, "ok")), strict=True))
    row["attempts"] = '[["mini","http://mini","candidate",5,6,200,null,null]]'
    assert record_of(list(row.values())).attempts == (Attempt("mini", "http://mini", "candidate", 5, 6, 200),)


def test_every_field_of_a_record_has_its_columns_in_the_same_order():
    usage = [f"{name}_tokens" for name in COUNTS] + ["usage_sources"]
    fields = [column for name in Record.__struct_fields__ for column in (usage if name == "usage" else [name])]
    assert [column.name for column in RECORD] == fields


def test_tokens_that_are_unknown_are_null_and_not_zero():
    row = dict(
        zip(
            [column.name for column in RECORD],
            row_of(Record("x", 1, "ok", usage=Usage(Count.reported(0)))),
            strict=True,
        )
    )
    assert row["input_tokens"] == 0
    assert row["output_tokens"] is None
    assert row["usage_sources"] == "ruuuu"
    assert row["cost"] is None


def test_what_the_books_read_of_a_record_is_all_that_they_need():
    kinds = product(("ok", "failed", "cancelled", "unknown"), ("/v1", JUDGE_PATH, SHADOW_PATH), (0, 1, 2))
    made = [one_of_a_kind(number, *kind) for number, kind in enumerate(kinds)]
    names = [column.name for column in RECORD]
    rows = [dict(zip(names, row_of(record), strict=True)) for record in made]
    read = [booked_of([row[name] for name in BOOKED]) for row in rows]
    valuer = Valuer(snapshot("open"), Money(), {})
    assert [rows_of([record], valuer) for record in read] == [rows_of([record], valuer) for record in made]


def one_of_a_kind(number, status, path, count):
    record = sample(number)[1].record
    attempts = (Attempt("mini", "", "", 5, 7, failure=FailureKind.RESET), *record.attempts)[:count]
    changes = {"status": status, "path": path, "attempts": attempts, "team": "t" * number, "data_class": "public"}
    return msgspec.structs.replace(record, stage=number, characters_out=number, **changes)
