import random
import shutil
import signal
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from earthward.chat.usage import Count, Usage
from earthward.ledger.record import Record
from earthward.store import queries, tables
from earthward.store.frames import HEADER, frame
from earthward.store.fresh import Stored
from earthward.store.intake import BUSY, LONGEST_LULL, PAUSE, Intake, IntakeResult, pause_after
from earthward.store.spool import SpoolWriter


def drain(taking: Intake) -> list[IntakeResult]:
    """Steps until all is stored."""
    results = [taking.step()]
    while not results[-1].is_drained:
        assert results[-1].state == "ok"
        results.append(taking.step())
    return results


def ids(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT id FROM exchanges ORDER BY id")))


def sums(engine: Engine) -> list[tuple[object, ...]]:
    """All that is summed up, and the same summed up anew from the rows."""
    with engine.connect() as connection:
        kept = connection.execute(text(f"SELECT {SUMS} FROM exchange_hours")).one()
        ttfts = connection.execute(text("SELECT sum(requests) FROM exchange_hour_ttfts")).one()
        fresh = connection.execute(text(f"SELECT {FRESH} FROM exchanges")).one()
    return [(*kept, *ttfts), tuple(fresh)]


SUMS = "sum(requests), sum(errors), sum(input_tokens), sum(cost), sum(unknown_costs), sum(duration)"
FRESH = (
    "count(*), sum(status = 'failed'), coalesce(sum(input_tokens), 0), coalesce(sum(cost), 0), "
    "sum(cost IS NULL), sum(duration), nullif(count(first_content), 0)"
)


def test_what_was_spooled_is_stored_and_told_of_once(engine, spools, settled, opened):
    writer = SpoolWriter(spools, "here", "boot")
    told: list[str] = []
    taking = Intake(engine, spools, "here", lambda stored: told.extend(record.id for record in stored.records))
    for n in range(3):
        writer.append(opened(f"x-{n}"))
        writer.append(settled(f"x-{n}"))
    assert [result.settled for result in drain(taking)] == [3, 0]
    writer.append(settled("x-3"))
    assert [result.settled for result in drain(taking)] == [1, 0]
    assert ids(engine) == told == ["x-0", "x-1", "x-2", "x-3"]
    writer.close()
    drain(taking)
    assert list(spools.iterdir()) == []


def test_what_is_told_has_the_numbers_it_got_unless_somebody_else_stored_in_between(engine, spools, settled):
    told: list[Stored] = []
    writer = SpoolWriter(spools, "here", "boot")
    taking = Intake(engine, spools, "here", told.append)
    for names in (("a", "b"), ("c",)):
        for name in names:
            writer.append(settled(name))
        drain(taking)
    others = ", ".join(column.name for column in tables.RECORD if column.name != "id")
    meanwhile = f"INSERT INTO exchanges (id, {others}) SELECT 'other', {others} FROM exchanges WHERE id = 'd'"
    with engine.begin() as connection:
        connection.execute(
            text(f"CREATE TRIGGER other AFTER INSERT ON exchanges WHEN NEW.id = 'd' BEGIN {meanwhile}; END")
        )
    for name in ("d", "e"):
        writer.append(settled(name))
    drain(taking)
    writer.append(settled("f"))
    drain(taking)
    writer.close()
    numbers = [(stored.after, [record.id for record in stored.records]) for stored in told]
    assert numbers == [(0, ["a", "b"]), (2, ["c"]), (None, ["d", "e"]), (6, ["f"])]


def test_many_boots_and_segments_in_small_batches_come_to_the_same(engine, spools, settled, opened):
    for boot in ("a", "b", "c"):
        writer = SpoolWriter(spools, "here", boot, segment_bytes=500)
        for n in range(40):
            writer.append(opened(f"{boot}-{n:02}"))
            writer.append(settled(f"{boot}-{n:02}"))
        writer.close()
    results = drain(Intake(engine, spools, "here"))
    assert sum(result.settled for result in results) == 120
    assert ids(engine) == [f"{boot}-{n:02}" for boot in "abc" for n in range(40)]
    assert list(spools.iterdir()) == []


def test_an_hour_begins_when_the_clock_says_so(engine, spools, settled):
    writer = SpoolWriter(spools, "here", "boot")
    for second in (0, 3599, 3600, 7199):
        writer.append(settled(f"x-{second}", accepted_at=second * 1_000_000_000))
    writer.close()
    drain(Intake(engine, spools, "here"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT hour, requests FROM exchange_hours")).all() == [(0, 2), (1, 2)]


# ── what a dead process left open ──


def test_what_a_killed_process_left_open_becomes_one_unknown_row_that_is_not_free(engine, spools, child):
    process = child("open", spools, "boot")
    assert process.stdout is not None
    assert process.stdout.read(6) == b"opened"
    taking = Intake(engine, spools, "here")
    drain(taking)
    assert ids(engine) == ["two"]
    process.kill()
    process.wait()
    assert sum(result.unknown for result in drain(taking)) == 1
    row = queries.exchange(engine, "one")
    assert row is not None
    assert (row.status, row.cost, row.failure, row.target) == ("unknown", None, "process_died", "llama")
    assert [attempt.target for attempt in row.attempts] == ["mini", "llama"]
    assert list(spools.iterdir()) == []
    with engine.connect() as connection:
        unknown = connection.execute(
            text("SELECT requests, unknown_costs, cost FROM exchange_hours WHERE status='unknown'")
        )
        assert unknown.all() == [(1, 1, 0)]


def test_what_was_opened_in_a_shape_not_known_is_counted_once_and_hides_no_other(engine, spools, settled, opened):
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(opened("known"))
    writer.append(settled("x-1"))
    writer.close()
    payload = msgspec.msgpack.encode((3, ["opened", "foreign", "not a number"]))
    with (spools / "boot" / "00000001.spool").open("ab") as segment:
        segment.write(HEADER.pack(len(payload), crc32(payload)) + payload)
    results = drain(Intake(engine, spools, "here"))
    assert ids(engine) == ["known", "x-1"]
    assert results[-1].damage.unreadable == 1


def test_an_opened_exchange_is_remembered_over_a_restart_of_the_intake(engine, spools, settled, opened):
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(opened("open"))
    writer.append(opened("later"))
    writer.append(settled("x-1"))
    first = Intake(engine, spools, "here")
    drain(first)
    first.close()
    writer.append(settled("later"))
    second = Intake(engine, spools, "here")
    assert [result.settled for result in drain(second)] == [1, 0]
    writer.close()
    drain(second)
    assert {record.id: record.status for record in queries.newest(engine, 9)} == {
        "open": "unknown",
        "later": "ok",
        "x-1": "ok",
    }


def test_what_is_read_again_after_a_restart_does_not_hide_what_lies_behind_it(engine, spools, settled, opened):
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(opened("open-all-the-time"))
    for n in range(25_000):
        writer.append(settled(f"x-{n}"))
    first = Intake(engine, spools, "here")
    while first.step().is_behind:
        pass
    stored = len(ids(engine))
    first.close()
    for n in range(25_000, 25_050):
        writer.append(settled(f"x-{n}"))
    drain(Intake(engine, spools, "here"))
    assert len(ids(engine)) == stored + 50
    writer.close()


def test_a_segment_stays_as_long_as_an_exchange_opened_in_it_is_not_settled(engine, spools, settled, opened):
    writer = SpoolWriter(spools, "here", "boot", segment_bytes=300)
    taking = Intake(engine, spools, "here")
    writer.append(opened("open"))
    for n in range(9):
        writer.append(settled(f"x-{n}"))
    drain(taking)
    assert (spools / "boot" / "00000001.spool").exists()
    writer.append(settled("open"))
    drain(taking)
    assert len(list((spools / "boot").glob("*.spool"))) == 1
    writer.close()


# ── once each ──


def test_killing_the_intake_at_random_stores_everything_once(url, spools, child):
    process = child("write", spools, "boot", "append")
    assert process.stdout is not None
    process.stdout.read(8)
    for _ in range(5):
        taking = child("take_in", url, spools)
        assert taking.stdout is not None
        taking.stdout.read(8)
        time.sleep(random.uniform(0.0, 0.06))
        taking.kill()
        taking.wait()
    process.kill()
    said = process.stdout.read()
    process.wait()
    appended = int.from_bytes(said[len(said) // 8 * 8 - 8 :][:8])
    engine = tables.open(url)
    results = drain(Intake(engine, spools, "here"))
    stored = Counter(int(name.removeprefix("boot-")) for name in ids(engine))
    assert max(stored) >= appended
    assert stored == Counter(range(1, max(stored) + 1))
    kept, fresh = sums(engine)
    assert kept == fresh
    assert results[-1].damage.missing == 0
    engine.dispose()


def test_the_kill_test_sees_an_intake_that_deletes_before_it_stores(url, engine, spools, settled, child):
    writer = SpoolWriter(spools, "here", "boot", segment_bytes=500)
    for n in range(50):
        writer.append(settled(f"x-{n}"))
    assert child("take_in_hastily", url, spools).wait() == -signal.SIGKILL
    results = drain(Intake(engine, spools, "here"))
    assert len(ids(engine)) < 50
    assert results[-1].damage.missing == 50 - len(ids(engine))
    writer.close()


entries = st.lists(
    st.builds(
        Record,
        id=st.integers(0, 30).map(str),
        accepted_at=st.integers(0, 3).map(lambda hour: hour * 3_600_000_000_000),
        status=st.sampled_from(["ok", "failed", "cancelled"]),
        first_content=st.none() | st.integers(0, 10**10),
        duration=st.integers(0, 10**12),
        target=st.sampled_from(["mini", "llama"]),
        usage=st.builds(Usage, st.integers(0, 1000).map(Count.reported)),
        cost=st.none() | st.integers(0, 10**9),
    ),
    max_size=12,
    unique_by=lambda record: record.id,
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(entries, st.integers(0, 12))
def test_a_spool_that_comes_three_times_leaves_all_sums_as_they_were(tmp_path_factory, settled, records, cut):
    tmp_path: Path = tmp_path_factory.mktemp("replayed")
    spools = tmp_path / "spool"
    engine = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    writer = SpoolWriter(spools, "here", "boot")
    for record in records:
        writer.append(msgspec.structs.replace(settled(), record=record))
    writer.close()
    shutil.copytree(spools / "boot", tmp_path / "copy")
    seen = []
    # As it was, under the same name, under another, and a part of it with something new behind.
    for name, kept in (("boot", None), ("boot", None), ("other", None), ("third", cut)):
        if not (spools / name).exists():
            shutil.copytree(tmp_path / "copy", spools / name)
        if kept is not None:
            data = b"".join(frame(seq, settled(record.id)) for seq, record in enumerate(records[:kept], 1))
            (spools / name / "00000001.spool").write_bytes(data)
        drain(Intake(engine, spools, "here"))
        seen.append((ids(engine), sums(engine)))
    assert seen == seen[:1] * 4
    assert seen[0][0] == sorted(record.id for record in records)
    if records:
        assert seen[0][1][0] == seen[0][1][1]
    engine.dispose()


def test_new_records_beside_known_ones_are_stored(engine, spools, settled):
    for boot, names in (("a", ["1", "2"]), ("b", ["2", "3", "3"])):
        writer = SpoolWriter(spools, "here", boot)
        for name in names:
            writer.append(settled(name))
        writer.close()
        drain(Intake(engine, spools, "here"))
    assert ids(engine) == ["1", "2", "3"]
    kept, fresh = sums(engine)
    assert kept == fresh


def test_an_intake_that_was_overtaken_by_another_stores_nothing_twice(engine, spools, settled):
    writer = SpoolWriter(spools, "here", "boot")
    one, other = Intake(engine, spools, "here"), Intake(engine, spools, "here")
    for n in range(0, 6, 2):
        writer.append(settled(f"x-{n}"))
        drain(one)
        writer.append(settled(f"x-{n + 1}"))
        drain(other)
    assert ids(engine) == [f"x-{n}" for n in range(6)]
    kept, fresh = sums(engine)
    assert kept == fresh
    writer.close()


def test_what_was_stored_and_deleted_since_does_not_come_back(engine, spools, settled, opened):
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(opened("open"))
    writer.append(settled("x-1"))
    late = Intake(engine, spools, "here")
    late.step()
    writer.append(settled("x-2"))
    drain(Intake(engine, spools, "here"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM exchanges"))
    # One that knows of x-1 only, and one that knows of nothing.
    drain(late)
    writer.append(settled("x-3"))
    drain(Intake(engine, spools, "here"))
    assert ids(engine) == ["x-3"]
    writer.close()


def test_replicas_whose_boots_have_the_same_name_are_told_apart(engine, tmp_path, settled):
    for replica in ("a", "b"):
        writer = SpoolWriter(tmp_path / replica, replica, "boot")
        writer.append(settled(f"{replica}-1"))
        drain(Intake(engine, tmp_path / replica, replica))
        writer.close()
    assert ids(engine) == ["a-1", "b-1"]


# ── a store that is away, spools that are damaged ──


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_store_that_is_locked_is_a_state_and_everything_is_stored_once_it_is_back(url, engine, spools, settled):
    path = url.removeprefix("sqlite:///")
    clock = Clock()
    hasty = tables.open(f"{url}?timeout=0.01")
    taking = Intake(hasty, spools, "here", clock=clock)
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(settled("x-1"))
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    pauses = []
    for _ in range(10):
        result = taking.step()
        assert (result.state, result.settled, result.is_drained) == ("store_away", 0, False)
        assert "locked" in (result.message or "")
        pauses.append(taking.retry_at - clock.now)
        clock.now = taking.retry_at
    assert pauses == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0])
    writer.append(settled("x-2"))
    blocker.execute("ROLLBACK")
    blocker.close()
    # Not before the pause is over.
    clock.now -= 0.1
    assert taking.step().state == "store_away"
    clock.now += 0.1
    assert sum(result.settled for result in drain(taking)) == 2
    assert ids(engine) == ["x-1", "x-2"]
    writer.close()
    hasty.dispose()


def test_a_damaged_spool_is_reported_and_the_rest_of_it_is_stored(engine, spools, settled, caplog):
    folder = spools / "boot"
    folder.mkdir(parents=True)
    (folder / "lock").write_text("here")
    frames = [frame(seq, settled(f"x-{seq}")) for seq in (1, 2, 3)]
    (folder / "00000001.spool").write_bytes(frames[0] + frames[1][:-1] + b"\0" + frames[2])
    results = drain(Intake(engine, spools, "here"))
    assert ids(engine) == ["x-1", "x-3"]
    assert (results[-1].damage.corrupt, results[-1].damage.missing) == (1, 1)
    assert "is damaged" in caplog.text


def test_a_spool_that_can_not_be_read_is_a_state_and_the_others_are_stored(engine, spools, settled):
    (spools / "a" / "00000001.spool").mkdir(parents=True)
    (spools / "a" / "lock").write_text("here")
    writer = SpoolWriter(spools, "here", "b")
    writer.append(settled("x-1"))
    taking = Intake(engine, spools, "here")
    result = taking.step()
    assert (result.state, result.settled, result.is_drained) == ("spool_unreadable", 1, False)
    taking.close()
    (spools / "a" / "00000001.spool").rmdir()
    drain(Intake(engine, spools, "here"))
    writer.close()


def test_a_figure_that_no_exchange_can_have_used_is_unknown_and_spoils_no_sum(engine, spools, settled):
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(settled("absurd", usage=Usage(Count.reported(2**63)), cost=2**63))
    writer.append(settled("x-1"))
    drain(Intake(engine, spools, "here"))
    writer.close()
    with engine.connect() as connection:
        rows = connection.execute(select(tables.exchanges.c.id, tables.exchanges.c.cost)).all()
        assert sorted(rows, key=str) == [("absurd", None), ("x-1", 3)]
        assert connection.scalar(text("SELECT sum(cost) FROM exchange_hours")) == 3


def test_run_stops_when_told(engine, spools, settled):
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(settled("x-1"))
    stop = threading.Event()
    taking = Intake(engine, spools, "here", lambda records: stop.set())
    taking.run(stop)
    assert ids(engine) == ["x-1"]
    writer.close()


def test_the_more_there_is_to_take_in_the_more_a_commit_carries():
    assert pause_after(0) == PAUSE
    assert pause_after(10) == PAUSE, "few records are seen soon"
    assert PAUSE < pause_after(200) < LONGEST_LULL
    assert pause_after(10**6) == LONGEST_LULL, "nothing waits for long"


def test_a_steady_stream_settles_where_its_rate_says():
    def settled(rate: float) -> float:
        pause = PAUSE
        for _ in range(100):
            pause = pause_after(int(rate * pause))
        return pause

    assert settled(BUSY / 2) == PAUSE
    assert settled(BUSY * 2) == LONGEST_LULL
