"""Samples, pairs and feedback in the store: content goes in sealed, figures plainly.

What rollouts are to be told of them goes in with the same transaction.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Engine, delete, func, insert, select

from earthward.store.content import ContentKeys, Unreadable, sweep
from earthward.store.tables import comments, exchanges, later_events, pairs, samples
from earthward.store.tables import feedback as feedback_table

CONTENT = 0.5
"""A score from here on is no negative feedback."""
MOST_PAIRS = 20_000
"""Of a route, the newest so many are read for a report."""


class Answered(msgspec.Struct, frozen=True):
    """What one arm answered, for people: its text, and its tool calls as text."""

    target: str
    text: str = ""
    finish: str = ""
    problem: str = ""


class Content(msgspec.Struct, frozen=True):
    """A sample's content. `whys` says by check what is wrong with the candidate's answer; `judged` are the words of the
    judge, in both orders."""

    prompt: str
    baseline: Answered | None = None
    candidate: Answered | None = None
    whys: dict[str, str] = {}
    judged: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True):
    """A sample as it is to be kept. Times are Unix nanoseconds."""

    id: str
    route: str
    task: str
    accepted_at: int
    expires_at: int
    content: Content


class Pair(msgspec.Struct, frozen=True):
    """A row of `pairs`, without its number."""

    exchange: str
    route: str
    task: str
    accepted_at: int
    unit: str
    stage: int
    epoch: int
    judge: str
    score: float | None
    decided_by: str
    baseline_length: int
    candidate_length: int
    baseline_ttft: int | None
    candidate_ttft: int | None
    baseline_bad: tuple[str, ...] = ()
    candidate_bad: tuple[str, ...] = ()


class Later(msgspec.Struct, frozen=True):
    """Something a rollout is to be told. `judge` is the digest of who scored it; empty for what nobody judged."""

    event: bytes
    judge: str = ""


class Said(msgspec.Struct, frozen=True):
    """Feedback on one exchange."""

    exchange: str
    route: str
    task: str
    arm: str
    unit: str
    given_at: int
    score: float


class Remark(msgspec.Struct, frozen=True):
    """What a caller wrote of an answer; `comment` is None where its key is gone."""

    exchange: str
    task: str
    arm: str
    score: float
    comment: str | None


class Looked(msgspec.Struct, frozen=True):
    """All that came of one sample."""

    kept: Kept | None
    pair: Pair | None = None
    later: tuple[Later, ...] = ()


def keep(engine: Engine, keys: ContentKeys, looked: Sequence[Looked]) -> None:
    """Some samples, all that came of each, in one transaction. What is there already stays as it is."""
    with _writing(engine) as connection, connection.begin():
        told = _there(connection, pairs.c.exchange, [it.pair.exchange for it in looked if it.pair])
        new = [it for it in looked if it.pair is None or not _add(told, it.pair.exchange)]
        if rows := [_row_of(it.pair) for it in new if it.pair]:
            connection.execute(insert(pairs), rows)
        _tell(connection, [(it.pair.route, later) for it in new if it.pair for later in it.later])
        there = _there(connection, samples.c.id, [it.kept.id for it in new if it.kept])
        if rows := [_sealed(keys, it.kept) for it in new if it.kept and not _add(there, it.kept.id)]:
            connection.execute(insert(samples), rows)


def _there(connection: Connection, column: Column[str], names: Sequence[str]) -> set[str]:
    return set(connection.scalars(select(column).where(column.in_(names)))) if names else set()


def _add(names: set[str], name: str) -> bool:
    """Whether it was there before."""
    was_there = name in names
    names.add(name)
    return was_there


def _row_of(pair: Pair) -> dict[str, Any]:
    bad = {name: msgspec.json.encode(getattr(pair, name)).decode() for name in ("baseline_bad", "candidate_bad")}
    return {**msgspec.structs.asdict(pair), **bad}


def _sealed(keys: ContentKeys, kept: Kept) -> dict[str, Any]:
    row = {name: getattr(kept, name) for name in ("id", "route", "task", "accepted_at", "expires_at")}
    return {**row, "sealed": keys.seal(msgspec.msgpack.encode(kept.content), kept.id.encode())}


def _tell(connection: Connection, told: Sequence[tuple[str, Later]]) -> None:
    """Each with the route whose rollout it is for."""
    rows = [{"route": route, "judge": it.judge, "event": it.event.decode()} for route, it in told]
    if rows:
        connection.execute(insert(later_events), rows)


def say(engine: Engine, keys: ContentKeys, said: Said, comment: str, expires_at: int, later: Sequence[Later]) -> bool:
    """Keeps feedback; whether it was news. The same word again changes nothing but the comment, another one takes its
    place with all it was about. `later` is what a bad word tells a rollout, which is told once as long as the word
    stays bad.
    """
    with _writing(engine) as connection, connection.begin():
        before = connection.execute(select(feedback_table.c.score).where(_of(said.exchange))).first()
        is_news = before is None or before.score != said.score
        if before is not None:
            connection.execute(delete(feedback_table).where(_of(said.exchange)))
        connection.execute(insert(feedback_table).values(msgspec.structs.asdict(said)))
        if before is None or (is_news and before.score >= CONTENT):
            _tell(connection, [(said.route, it) for it in later])
        if comment or is_news:
            connection.execute(delete(comments).where(comments.c.id == said.exchange))
        if comment:
            sealed = keys.seal(comment.encode(), said.exchange.encode())
            connection.execute(insert(comments).values(id=said.exchange, sealed=sealed, expires_at=expires_at))
    return is_news


def _of(exchange: str) -> Any:
    return feedback_table.c.exchange == exchange


# ── reading ──


def later_end(engine: Engine) -> int:
    """The number of the last word that rollouts can be told."""
    with engine.connect() as connection:
        return connection.scalar(select(func.max(later_events.c.number))) or 0


def told_after(engine: Engine, route: str, number: int) -> list[tuple[int, Later]]:
    table = later_events
    clause = select(table.c.number, table.c.judge, table.c.event)
    clause = clause.where((table.c.route == route) & (table.c.number > number)).order_by(table.c.number)
    with engine.connect() as connection:
        return [(row.number, Later(row.event.encode(), row.judge)) for row in connection.execute(clause)]


def pairs_of(engine: Engine, route: str, epoch: int | None = None) -> list[Pair]:
    """The newest ones of a route, in order; of one epoch where that is given."""
    where = pairs.c.route == route
    if epoch is not None:
        where &= pairs.c.epoch == epoch
    columns = [pairs.c[name] for name in Pair.__struct_fields__]
    clause = select(*columns).where(where).order_by(pairs.c.number.desc()).limit(MOST_PAIRS)
    with engine.connect() as connection:
        rows = connection.execute(clause).all()
    return [_pair(row) for row in reversed(rows)]


def _pair(row: Any) -> Pair:
    values = dict(row._mapping)
    for name in ("baseline_bad", "candidate_bad"):
        values[name] = tuple(msgspec.json.decode(values[name]))
    return Pair(**values)


def contents(engine: Engine, keys: ContentKeys, ids: Sequence[str]) -> dict[str, Content | None]:
    """The content of these samples, those that are still there; None for one whose key is gone."""
    clause = select(samples.c.id, samples.c.sealed).where(samples.c.id.in_(ids))
    with engine.connect() as connection:
        rows = connection.execute(clause).all()
    return {row.id: _opened(keys, row.sealed, row.id) for row in rows}


def _opened(keys: ContentKeys, sealed: bytes, id: str) -> Content | None:
    try:
        return msgspec.msgpack.decode(keys.open(sealed, id.encode()), type=Content)
    except Unreadable:
        return None


def feedback_of(engine: Engine, route: str, epoch: int | None = None, most: int = MOST_PAIRS) -> list[Said]:
    """The newest of a route, in order; of the exchanges of one epoch where that is given."""
    clause = _words(route, epoch, *(feedback_table.c[name] for name in Said.__struct_fields__)).limit(most)
    with engine.connect() as connection:
        return [Said(*row) for row in reversed(connection.execute(clause).all())]


def remarks(engine: Engine, keys: ContentKeys, route: str, epoch: int | None, count: int) -> list[Remark]:
    """The newest comments first."""
    table = feedback_table
    clause = _words(route, epoch, table.c.exchange, table.c.task, table.c.arm, table.c.score, comments.c.sealed)
    clause = clause.join(comments, comments.c.id == table.c.exchange).limit(count)
    with engine.connect() as connection:
        rows = connection.execute(clause).all()
    return [
        Remark(row.exchange, row.task, row.arm, row.score, _comment(keys, row.sealed, row.exchange)) for row in rows
    ]


def _words(route: str, epoch: int | None, *columns: Any) -> Any:
    table = feedback_table
    clause = select(*columns).select_from(table).where(table.c.route == route).order_by(table.c.given_at.desc())
    if epoch is None:
        return clause
    return clause.join(exchanges, exchanges.c.id == table.c.exchange).where(exchanges.c.epoch == epoch)


def _comment(keys: ContentKeys, sealed: bytes, exchange: str) -> str | None:
    try:
        return keys.open(sealed, exchange.encode()).decode()
    except Unreadable:
        return None


def sweep_all(engine: Engine, now: int) -> int:
    """Deletes all content whose time is over; how many rows."""
    return sweep(engine, samples, now) + sweep(engine, comments, now)


def _writing(engine: Engine) -> Connection:
    return engine.connect().execution_options(earthward_writes=True)
