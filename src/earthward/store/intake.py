"""Moves what workers spooled into the store: each record once, however often any process is killed.

Rows, sums and how far each spool is taken in are committed together. Only after that is a segment deleted, and only
when every exchange opened in it is settled. Knows neither HTTP nor who asks; waits for the disk, so it wants a thread.
"""

import logging
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Engine, Table, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from earthward.ledger.plausible import all_plausible
from earthward.ledger.record import Opened, Record, Settled
from earthward.ledger.summary import HOUR, bucket, totals
from earthward.ledger.unsettled import unsettled
from earthward.store.frames import Spooled, brief, opened_of
from earthward.store.fresh import Stored
from earthward.store.rows import row_of
from earthward.store.spool_reader import Damage, SpoolReader, boots
from earthward.store.tables import (
    HOUR_KEY,
    HOUR_SUMS,
    RECORD,
    TTFT_KEY,
    exchange_hour_ttfts,
    exchange_hours,
    exchanges,
    statement,
    upsert,
)
from earthward.store.tables import intake as positions

log = logging.getLogger(__name__)

BATCH = 5_000
"""Entries read in one step, about."""

PAUSE = 0.05
LONGEST_LULL = 0.4
BUSY = 1_000
"""Records a second from which on it pays to let more of them gather: a commit costs as much as many records."""
LONGEST_PAUSE = 5.0

SLICE = 100
"""Rows between two offers of the core to others: whoever answers callers on it must not wait for bookkeeping."""
GIVE_WAY: Callable[[], object] = getattr(os, "sched_yield", lambda: time.sleep(0))

_who = attrgetter(*HOUR_KEY[1:])

State = Literal["ok", "store_away", "spool_unreadable"]


class IntakeResult(msgspec.Struct, frozen=True):
    """What one step did. `is_drained`: all that is spooled is stored; `is_behind`: there is more to take in at once."""

    settled: int
    unknown: int
    state: State
    message: str | None
    is_drained: bool
    is_behind: bool
    damage: Damage


class _Tail:
    """One boot's spool: what is read of it and not stored yet, and which of its exchanges are still open."""

    def __init__(self, path: Path, replica: str, seq: int) -> None:
        self.reader = SpoolReader(path, after=seq, decode=brief)
        self.replica = replica
        self.boot = path.name
        # Up to where the store has it; up to where it has been read.
        self.stored = seq
        self.seq = seq
        self.records: list[Record] = []
        # By exchange, its attempts, unread: nearly all settle soon.
        self.open: dict[str, list[Spooled]] = {}

    def read(self, limit: int) -> int:
        """Takes up the next entries; how many there were."""
        spooled = self.reader.read(limit)
        records = []
        for item in spooled:
            entry = item.entry
            if isinstance(entry, Settled):
                record = entry.record
                self.open.pop(record.id, None)
                # After a restart the segments that remain are read again, for the sake of what was opened in them.
                if item.seq > self.stored:
                    records.append(record)
            elif entry.id in self.open:
                self.open[entry.id].append(item)
            else:
                self.open[entry.id] = [item]
        self.records += all_plausible(records)
        if spooled:
            self.seq = max(self.seq, spooled[-1].seq)
        return len(spooled)

    def unsettled(self) -> list[Record]:
        """The exchanges that a dead process left open, once all it wrote is read."""
        if not self.reader.finished:
            return []
        return [unsettled(opened) for name in list(self.open) if (opened := self._opened(name))]

    def _opened(self, name: str) -> list[Opened]:
        """The attempts of an exchange that is still open. What this version doesn't know is counted, and forgotten."""
        read = [(opened_of(item.payload), item) for item in self.open[name]]
        known = [(opened, item) for opened, item in read if opened is not None]
        self.reader.damage.unreadable += len(read) - len(known)
        self.open[name] = [item for _, item in known]
        return [opened for opened, _ in known]

    def has_news(self) -> bool:
        return self.seq > self.stored or self.reader.finished

    def settle(self) -> None:
        """To be called when everything read is safe in the store: deletes what is not needed any more."""
        self.stored = self.seq
        self.records = []
        if self.reader.finished:
            self.open = {}
            self.reader.remove()
        else:
            needed = min((items[0].segment for items in self.open.values() if items), default=self.reader.segment)
            self.reader.remove_segments(below=min(needed, self.reader.segment))


class Intake:
    """Takes in all spools under `folder`. `on_stored` hears of each record once, when it is stored."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        replica: str,
        on_stored: Callable[[Stored], None] = lambda stored: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self.folder = folder
        self.replica = replica
        self.on_stored = on_stored
        self._clock = clock
        self._tails: dict[str, _Tail] = {}
        # Of spools that are gone by now.
        self._past_damage = Damage()
        self._state: State = "ok"
        self._message: str | None = None
        self._pause = 0.0
        self.retry_at = 0.0
        self._insert = _inserting(engine)
        self._add_hours = _adding(engine, exchange_hours, HOUR_KEY, HOUR_SUMS)
        self._add_ttfts = _adding(engine, exchange_hour_ttfts, TTFT_KEY, ("requests",))

    def run(self, stop: threading.Event) -> None:
        """Steps until told to stop, pausing between steps, so that a commit carries many records."""
        while not stop.is_set():
            result = self.step()
            if not result.is_behind:
                stop.wait(pause_after(result.settled))

    def step(self) -> IntakeResult:
        """Takes in one bounded batch, in one transaction. A store that is away is a state, not an error."""
        if self._clock() < self.retry_at:
            return self._result()
        was = self._state, self._message
        self._state, self._message = "ok", None
        try:
            result = self._take_in()
            self._pause = 0.0
        except SQLAlchemyError as error:
            self._back_off(error)
            result = self._result()
        except OSError as error:
            self._is_ill("spool_unreadable", str(error))
            result = self._result()
        except _Overtaken:
            log.warning("another process takes in the same spools; reading them anew")
            self.close()
            result = self._result()
        if (self._state, self._message) != was:
            log.log(logging.INFO if self._state == "ok" else logging.ERROR, "intake: %s %s", self._state, self._message)
        return result

    def _take_in(self) -> IntakeResult:
        is_behind = self._read()
        tails = [tail for tail in self._tails.values() if tail.has_news()]
        unknown = [record for tail in tails for record in tail.unsettled()]
        stored = self._store(tails, [record for tail in tails for record in tail.records] + unknown)
        for tail in tails:
            self._settle(tail)
        if stored.records:
            self.on_stored(stored)
        # Reading again what is stored already, after a restart, is no news; but news may lie behind it.
        is_drained = not tails and not is_behind and self._state == "ok"
        return self._result(len(stored.records), len(unknown), is_drained=is_drained, is_behind=is_behind)

    def close(self) -> None:
        """Forgets what was read and not stored; it is still in the spools."""
        for tail in self._tails.values():
            tail.reader.close()
        self._tails = {}

    # ── reading ──

    def _read(self) -> bool:
        """Reads on where what was read before is stored; whether more lies there than was taken."""
        for path in boots(self.folder):
            if path.name not in self._tails:
                self._tails[path.name] = self._tail(path)
        share = max(1, BATCH // max(1, len(self._tails)))
        counts = [self._read_on(tail, share) for tail in self._tails.values() if not tail.has_news()]
        return any(count >= share for count in counts)

    def _tail(self, path: Path) -> _Tail:
        replica = SpoolReader(path).replica or self.replica
        clause = select(positions.c.seq).where(positions.c.replica == replica, positions.c.boot == path.name)
        with self.engine.connect() as connection:
            return _Tail(path, replica, connection.scalar(clause) or 0)

    def _read_on(self, tail: _Tail, limit: int) -> int:
        seen = msgspec.structs.replace(tail.reader.damage)
        try:
            return tail.read(limit)
        except OSError as error:
            self._is_ill("spool_unreadable", f"{tail.reader.path}: {error.strerror}")
            return 0
        finally:
            if tail.reader.damage != seen:
                log.error("the spool %s is damaged: %s", tail.reader.path, tail.reader.damage)

    # ── storing ──

    def _store(self, tails: list[_Tail], records: list[Record]) -> Stored:
        """Commits all of it, or nothing; those of the records that were not in the store before."""
        if not records and all(tail.seq == tail.stored for tail in tails):
            return Stored([])
        with self.engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
            for tail in tails:
                _move(connection, tail)
            last = _last_number(connection)
            new = self._insert_new(connection, records)
            # As many new numbers as new records: nobody else stored any in between.
            after = last if _last_number(connection) == last + len(new) else None
            hours, ttfts = _sums(new)
            _execute_many(connection, self._add_hours, hours)
            _execute_many(connection, self._add_ttfts, ttfts)
        return Stored(new, after)

    def _insert_new(self, connection: Connection, records: list[Record]) -> list[Record]:
        try:
            with connection.begin_nested():
                _insert_rows(connection, self._insert, records)
        except IntegrityError:
            # Only when a spool comes a second time under another name: all of it is known, or some.
            records = _unknown_to(connection, records)
            _insert_rows(connection, self._insert, records)
        return records

    def _settle(self, tail: _Tail) -> None:
        try:
            tail.settle()
        except OSError as error:
            self._is_ill("spool_unreadable", f"{tail.reader.path} can't be deleted: {error.strerror}")
            return
        if tail.reader.finished:
            del self._tails[tail.boot]
            self._past_damage = _both(self._past_damage, tail.reader.damage)

    # ── how it is ──

    def _back_off(self, error: SQLAlchemyError) -> None:
        self._pause = min(LONGEST_PAUSE, max(PAUSE, self._pause * 2))
        self.retry_at = self._clock() + self._pause
        # Not the whole error: it would quote the statement and what was to be stored.
        self._is_ill("store_away", str(getattr(error, "orig", None) or type(error).__name__))

    def _is_ill(self, state: State, message: str) -> None:
        self._state, self._message = state, message

    def _result(
        self, settled: int = 0, unknown: int = 0, *, is_drained: bool = False, is_behind: bool = False
    ) -> IntakeResult:
        damage = self._past_damage
        for tail in self._tails.values():
            damage = _both(damage, tail.reader.damage)
        return IntakeResult(settled, unknown, self._state, self._message, is_drained, is_behind, damage)


def pause_after(settled: int) -> float:
    """Seconds to wait after a step that took in so many records. It grows with what comes, and shrinks again."""
    return min(LONGEST_LULL, max(PAUSE, settled / BUSY))


class _Overtaken(Exception):
    """The store says that more of a spool was taken in than this process knows of."""


def _move(connection: Connection, tail: _Tail) -> None:
    """Notes how far the spool is taken in, provided that nobody else did."""
    place = {"seq": tail.seq, "segment": tail.reader.segment, "offset": tail.reader.offset}
    if tail.seq == tail.stored:
        return
    if tail.stored == 0:
        try:
            with connection.begin_nested():
                connection.execute(insert(positions).values(replica=tail.replica, boot=tail.boot, **place))
        except IntegrityError as error:
            raise _Overtaken from error
        return
    mine = (positions.c.replica == tail.replica) & (positions.c.boot == tail.boot) & (positions.c.seq == tail.stored)
    if connection.execute(update(positions).where(mine).values(**place)).rowcount != 1:
        raise _Overtaken


def _last_number(connection: Connection) -> int:
    return connection.exec_driver_sql("SELECT max(number) FROM exchanges").scalar() or 0


def _sums(records: Iterable[Record]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows to be added to `exchange_hours` and to `exchange_hour_ttfts`."""
    hours: defaultdict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in records:
        hours[(record.accepted_at // HOUR, *_who(record))].append(record)
    ttfts: Counter[tuple[Any, ...]] = Counter()
    for key, several in hours.items():
        buckets = Counter([bucket(it.first_content) for it in several if it.first_content is not None])
        ttfts.update({(*key[: len(TTFT_KEY) - 1], number): count for number, count in buckets.items()})
    sums = [(*key, *totals(several)) for key, several in hours.items()]
    return sums, [(*key, count) for key, count in ttfts.items()]


def _unknown_to(connection: Connection, records: list[Record]) -> list[Record]:
    """The records that the store doesn't hold, each once."""
    by_id = {record.id: record for record in reversed(records)}
    ids = list(by_id)
    for start in range(0, len(ids), 500):
        clause = select(exchanges.c.id).where(exchanges.c.id.in_(ids[start : start + 500]))
        for known in connection.scalars(clause).all():
            del by_id[known]
    return list(reversed(by_id.values()))


def _inserting(engine: Engine) -> str:
    names = [column.name for column in RECORD]
    text, order = statement(engine, insert(exchanges).values(dict.fromkeys(names)))
    assert order == names
    return text


def _adding(engine: Engine, table: Table, key: tuple[str, ...], sums: tuple[str, ...]) -> str:
    text, order = statement(engine, upsert(engine, table, key, sums))
    assert tuple(order) == (*key, *sums)
    return text


def _insert_rows(connection: Connection, text: str, records: list[Record]) -> None:
    for start in range(0, len(records), SLICE):
        _execute_many(connection, text, [row_of(record) for record in records[start : start + SLICE]])
        GIVE_WAY()


def _execute_many(connection: Connection, text: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        connection.exec_driver_sql(text, rows)


def _both(one: Damage, other: Damage) -> Damage:
    return Damage(*(a + b for a, b in zip(msgspec.structs.astuple(one), msgspec.structs.astuple(other), strict=True)))
