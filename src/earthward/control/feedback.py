"""What callers say of answers, on its way to the store: only of an exchange of their own, and once."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.gateway.samples import Feedback, Reply
from earthward.ledger.record import Record
from earthward.rollout.pairs import event_of_bad_word
from earthward.store import quality as store
from earthward.store import queries
from earthward.store.content import ContentKeys
from earthward.store.quality import CONTENT, Later, Said

NANO = 1_000_000_000
STORED_WITHIN = 2.0
"""Seconds that an exchange may take from its end to the store."""
LOOK = 0.1
COMMENTS_KEPT = 90 * 86_400 * NANO
"""Nanoseconds."""


class FeedbackDesk:
    """`parts` are the store and the content keys, once there."""

    def __init__(self, parts: Callable[[], tuple[Engine, ContentKeys] | None]) -> None:
        self._parts = parts
        self.told: Counter[tuple[str, str, str]] = Counter()

    async def hear(self, given: Feedback) -> Reply:
        parts = self._parts()
        if parts is None:
            return Reply(given.number, 503, "the store is away; try again later")
        try:
            record = await self._record(parts[0], given.id)
            # Somebody else's exchange is as good as none: nobody learns which ids there are.
            if record is None or record.key != given.key:
                return Reply(given.number, 404, "there is no such exchange of this key")
            is_news = await asyncio.to_thread(_said, *parts, given, record)
        except SQLAlchemyError:
            return Reply(given.number, 503, "the store is away; try again later")
        if is_news:
            self.told[record.route, record.arm, "bad" if given.score < CONTENT else "good"] += 1
        return Reply(given.number, 200)

    async def _record(self, engine: Engine, id: str) -> Record | None:
        end = time.monotonic() + STORED_WITHIN
        while (record := await asyncio.to_thread(queries.exchange, engine, id)) is None and time.monotonic() < end:
            await asyncio.sleep(LOOK)
        return record


def _said(engine: Engine, keys: ContentKeys, given: Feedback, record: Record) -> bool:
    now = time.time_ns()
    said = Said(record.id, record.route, record.task, record.arm, record.unit, now, given.score)
    return store.say(engine, keys, said, given.comment, now + COMMENTS_KEPT, _later(record, given.score))


def _later(record: Record, score: float) -> list[Later]:
    """That somebody is content is what no feedback counts as already."""
    if record.arm == "only" or record.share == 0 or score >= CONTENT:
        return []
    event = event_of_bad_word(record.accepted_at / NANO, record.unit, record.arm, record.share)
    return [Later(msgspec.json.encode(event))]
