"""How the drills of emergency paths went, read off the records, and who is told when one fails."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from earthward.chat import FailureKind
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.ledger.record import DRILL, Record
from earthward.rollout.notices import Notice

FAILED_IN_A_ROW = 2
"""One may meet a hiccup; two in a row are told."""
OF_THE_PATH = ANOTHER_MAY_SERVE - {FailureKind.CONTEXT_LENGTH, FailureKind.PROMPT_CUT}
"""Failures that tell of the path itself."""
NANO = 1e9


class Drilled(msgspec.Struct):
    """Of one route, since the control process began."""

    worked: int = 0
    failed: int = 0
    in_a_row: int = 0

    @property
    def is_failing(self) -> bool:
        return self.in_a_row >= FAILED_IN_A_ROW


class Drills:
    """`say` is told when the emergency path of a route stops working, and when it works again."""

    def __init__(self, say: Callable[[Notice], None]) -> None:
        self._say = say
        self.routes: dict[str, Drilled] = defaultdict(Drilled)

    def fold(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.attempts and record.attempts[0].why == DRILL:
                self._take(record)

    def _take(self, record: Record) -> None:
        first = record.attempts[0]
        if record.status == "cancelled" and first.failure is None:
            # Who left says nothing of the path.
            return
        failure = first.failure or (record.failure if record.status != "ok" else None)
        if failure not in OF_THE_PATH and (failure or record.status != "ok"):
            # What the caller, or the request's length, brought about.
            return
        it = self.routes[record.route]
        was_failing = it.is_failing
        if failure is None:
            it.worked, it.in_a_row = it.worked + 1, 0
        else:
            it.failed, it.in_a_row = it.failed + 1, it.in_a_row + 1
        if it.is_failing != was_failing:
            self._say(_notice(record, first.target, str(first.failure or record.failure or ""), it))


def _notice(record: Record, target: str, failure: str, it: Drilled) -> Notice:
    event = "drill failed" if it.is_failing else "drill works"
    why = f"`{target}` did not serve: {failure}" if it.is_failing else f"`{target}` serves again"
    t = record.accepted_at / NANO
    return Notice(
        f"{record.route}/drill/{record.id}", event, record.route, "", t, "drill", record.share, "earthward", why
    )
