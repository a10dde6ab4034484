"""Samples on their way: asked of the other arm, looked at by checks, judged, sealed, and told to the rollout.

Runs in the control process, behind everything that users wait for. Nobody waits for a sample either: what finds the
queue full, the target busy for too long or the budget spent is dropped, and counted by the reason.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.chat import Answer, ChatRequest, FailureKind
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.config.snapshot import Route, Snapshot
from earthward.control.asking import Answered, Asking, is_free
from earthward.control.budgeted import Budgeted, NotNow, most_of, worst_case
from earthward.control.judging import Judged, for_a_verdict, judge_digest, judged, question
from earthward.control.purses import Purses
from earthward.control.sample_queue import SampleQueue
from earthward.control.sample_reading import (
    asked,
    prompt,
    said,
    schema_of,
    tools_of,
)
from earthward.control.sample_store import SampleStore
from earthward.control.shadow_evidence import Comparison, Side, for_people, pair_of, told_of
from earthward.gateway.samples import Sample
from earthward.gateway.serving import ServingTarget
from earthward.ledger.books import JUDGE_PATH, SHADOW_PATH
from earthward.ledger.record import Record
from earthward.quality import lowly
from earthward.quality.case import Case
from earthward.quality.compare import compared
from earthward.store import quality as store
from earthward.store.content import ContentKeys
from earthward.store.quality import Content, Kept, Looked

log = logging.getLogger("earthward.shadows")

P = ParamSpec("P")
T = TypeVar("T")

NANO = 1_000_000_000
FAULTS = ANOTHER_MAY_SERVE - {FailureKind.RATE_LIMITED, FailureKind.OVERLOADED, FailureKind.PAYMENT}
"""What says something of the arm. That there is no room now for what nobody waits for says nothing of it."""


class Shadows:
    """`put_on_record` takes what was asked to the ledger; `parts` are the store and the content keys, once there;
    `crowd` is for how much of their time workers wait for a core."""

    def __init__(
        self,
        asking: Asking,
        purses: Purses,
        put_on_record: Callable[[Record], None],
        parts: Callable[[], tuple[Engine, ContentKeys] | None],
        crowd: Callable[[], float],
    ) -> None:
        self._crowd = crowd
        self._asking = asking
        self._budgeted = Budgeted(asking, purses, put_on_record)
        self._queue = SampleQueue()
        self._next = 0.0
        self._pause = lowly.EVERY
        self._used = 0.0
        self._routes: dict[str, Route] = {}
        self._digests: dict[str, str] = {}
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.done: Counter[tuple[str, str]] = Counter()
        self._store = SampleStore(parts, self.done, self.dropped)

    def take_over(self, snapshot: Snapshot) -> None:
        self._routes = {route.name: route for route in snapshot.routes}
        self._digests = {route.name: judge_digest(route, snapshot) for route in snapshot.routes}

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def offer(self, sample: Sample) -> None:
        """Takes a sample, or drops one where too many wait."""
        for out in self._queue.offer(sample):
            self.dropped[out.route, "queue full"] += 1

    async def run(self) -> None:
        """Works samples off until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store.run())
            while True:
                sample = await self._queue.next()
                await self._its_turn()
                group.create_task(self._work(sample))

    async def _work(self, sample: Sample) -> None:
        try:
            await self._one(sample)
        except NotNow as reason:
            self.dropped[sample.route, str(reason)] += 1
        except Exception:
            self.dropped[sample.route, "error"] += 1
            log.exception("a sample of %s could not be compared", sample.route)
        finally:
            self._queue.over(sample)

    async def _its_turn(self) -> None:
        now = time.monotonic()
        turn = self._next = max(now, self._next + self._pause)
        await asyncio.sleep(turn - now)
        self._pause = lowly.pause(time.monotonic() - turn, self._used, self._crowd())
        self._used = 0.0

    def _timed(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What has more work with larger samples, so that these come less often."""
        began = time.thread_time()
        try:
            return work(*args, **named)
        finally:
            self._used += time.thread_time() - began

    # -- one of them -------------------------------------------------------------------------------------------------

    async def _one(self, sample: Sample) -> None:
        route = self._routes.get(sample.route)
        if route is None or route.sampling is None:
            raise NotNow("route gone")
        what = self._timed(asked, sample)
        if what is None:
            raise NotNow("not readable")
        if sample.other is None:
            await self._keep(sample, route, what.chat, {sample.arm: (sample.target, what.answer, "")}, {}, (), None)
            return
        target = self._asking.target(sample.other)
        if target is None or target.takes_callers_key:
            raise NotNow("no target")
        chat = what.chat if is_free(target) else msgspec.structs.replace(what.chat, max_tokens=most_of(what.chat))
        if what.answer is None and sample.status == "ok" and self._served_by_its_arm(sample, route):
            raise NotNow("not readable")
        amount = worst_case(target, chat)
        if not self._verdict_has_room(route, target, chat, what.answer, amount):
            raise NotNow("budget")
        deadlines = self._asking.deadlines(route, target)
        answered = await self._budgeted.ask(sample, route, target, chat, SHADOW_PATH, amount, deadlines)
        if answered.gave_way:
            raise NotNow("made room")
        if answered.failure is not None and answered.failure.kind not in FAULTS:
            raise NotNow(f"refused: {answered.failure.kind}")
        self.done[sample.route, "shadow"] += 1
        await self._compare(sample, route, what.chat, what.answer, answered)

    async def _compare(
        self, sample: Sample, route: Route, chat: ChatRequest, live: Answer | None, shadow: Answered
    ) -> None:
        """Both arms' answers, whichever of them was the live one."""
        assert route.sampling is not None
        live_ok = sample.status == "ok" and live is not None and self._served_by_its_arm(sample, route)
        shadow_ok = shadow.failure is None and shadow.answer is not None
        both = [
            Side(live_ok, sample.first_content, sample.duration, said(live)),
            Side(shadow_ok, shadow.first_content, shadow.duration, said(shadow.answer)),
        ]
        baseline, candidate = both if sample.arm == "baseline" else both[::-1]
        case = Case(prompt(chat), baseline.said, candidate.said, schema_of(chat), tools_of(chat))
        found = self._timed(compared, case) if live_ok and shadow_ok else None
        verdict = Judged(found.score, (), False) if found else Judged(None, (), False)
        decided_by = "checks" if found and found.score is not None else ""
        # The judge that is asked now, whatever the configuration says once it has answered.
        digest = self._digests[route.name]
        if found is not None and found.score is None and route.sampling.judge:
            verdict = await self._judge(sample, route, case)
            decided_by = route.sampling.judge if verdict.score is not None else ""
        comparison = Comparison(
            sample, baseline, candidate, found, verdict.score, decided_by, digest, verdict.was_asked
        )
        problem = shadow.failure.for_the_record if shadow.failure else ""
        sides = {
            sample.arm: (sample.target, live, "" if live_ok else "failed"),
            other_arm(sample): (shadow.target, shadow.answer, problem),
        }
        await self._keep(sample, route, chat, sides, found.whys if found else {}, verdict.words, comparison)

    def _served_by_its_arm(self, sample: Sample, route: Route) -> bool:
        return sample.target == (route.baseline if sample.arm == "baseline" else route.candidate)

    async def _judge(self, sample: Sample, route: Route, case: Case) -> Judged:
        assert route.sampling is not None
        target = self._asking.target(route.sampling.judge)
        if target is None or target.takes_callers_key:
            return Judged(None, (), False)

        async def ask(chat: ChatRequest) -> Answered | None:
            deadlines = for_a_verdict(self._asking.deadlines(route, target))
            try:
                amount = worst_case(target, chat)
                return await self._budgeted.ask(sample, route, target, chat, JUDGE_PATH, amount, deadlines)
            except NotNow as reason:
                self.dropped[sample.route, f"judge: {reason}"] += 1
                return None

        found = await judged(case, ask, target.target.model)
        if found.was_asked:
            self.done[sample.route, "judged" if found.score is not None else "judge failed"] += 1
        return found

    def _verdict_has_room(
        self, route: Route, target: ServingTarget, chat: ChatRequest, live: Answer | None, amount: int
    ) -> bool:
        """Whether the budget reaches for a billed shadow and for both questions to a billed judge after it: else the
        day's last money would go for answers that nobody compares. The other answer is taken to be as long."""
        assert route.sampling is not None
        judge = self._asking.target(route.sampling.judge) if route.sampling.judge else None
        if judge is None or is_free(target) or is_free(judge):
            return True
        case = Case(prompt(chat), said(live), said(live), schema_of(chat), tools_of(chat))
        of_judge = worst_case(judge, question(case, "first", judge.target.model))
        return self._budgeted.has_room(route, amount + 2 * of_judge)

    async def _keep(
        self,
        sample: Sample,
        route: Route,
        chat: ChatRequest,
        sides: dict[str, tuple[str, Answer | None, str]],
        whys: dict[str, str],
        words: tuple[str, ...],
        comparison: Comparison | None,
    ) -> None:
        assert route.sampling is not None
        shown = {arm: for_people(target, answer, problem) for arm, (target, answer, problem) in sides.items()}
        baseline = shown.get("baseline", shown.get("only"))
        content = Content(prompt(chat), baseline, shown.get("candidate"), whys, words)
        expires_at = time.time_ns() + int(route.sampling.retention * NANO)
        kept = Kept(sample.id, sample.route, sample.task, sample.at, expires_at, content)
        pair, told = (pair_of(comparison), told_of(comparison)) if comparison else (None, ())
        await self._store.put(Looked(kept, pair, told))


def other_arm(sample: Sample) -> str:
    return "candidate" if sample.arm == "baseline" else "baseline"


async def sweep_for_ever(parts: Callable[[], tuple[Engine, ContentKeys] | None], every: float) -> None:
    """Deletes what is past its time, again and again."""
    while True:
        await asyncio.sleep(every)
        now = parts()
        if now is not None:
            with contextlib.suppress(SQLAlchemyError):
                await asyncio.to_thread(store.sweep_all, now[0], time.time_ns())
