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
ELSEWHERE = 2.0
"""Seconds that an exchange may take from its end to the store, where another replica wrote it down."""
AT_MOST = 4.0
"""Seconds that anybody waits here; less than a worker does."""
LOOK = 0.1
COMMENTS_KEPT = 90 * 86_400 * NANO
"""Nanoseconds."""


class NotYet(Exception):
    """The exchange may be among those that are not stored yet."""


class FeedbackDesk:
    """`parts` are the store and the content keys, once there. All that was spooled here before `stored_up_to`, on the
    monotonic clock, is in the store."""

    def __init__(
        self,
        parts: Callable[[], tuple[Engine, ContentKeys] | None],
        stored_up_to: Callable[[], float],
        elsewhere: float = ELSEWHERE,
        at_most: float = AT_MOST,
    ) -> None:
        self._parts = parts
        self._stored_up_to = stored_up_to
        self._elsewhere = elsewhere
        self._at_most = at_most
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
        except NotYet:
            return Reply(given.number, 503, "the exchange may not be written down yet; try again later")
        except SQLAlchemyError:
            return Reply(given.number, 503, "the store is away; try again later")
        if is_news:
            self.told[record.route, record.arm, "bad" if given.score < CONTENT else "good"] += 1
        return Reply(given.number, 200)

    async def _record(self, engine: Engine, id: str) -> Record | None:
        """None where there is no such exchange. Raises NotYet where that can't be told in time."""
        asked = time.monotonic()
        while True:
            is_all_stored = self._stored_up_to() > asked
            waited = time.monotonic() - asked
            record = await asyncio.to_thread(queries.exchange, engine, id)
            if record is not None or (is_all_stored and waited >= self._elsewhere):
                return record
            if waited >= self._at_most:
                raise NotYet
            await asyncio.sleep(LOOK)


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
