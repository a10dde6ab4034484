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
from earthward.control.judging import Judged, for_a_verdict, judge_digest, judged, question
from earthward.control.purses import Purses
from earthward.control.sample_queue import SampleQueue
from earthward.control.sample_reading import (
    asked,
    is_only_text,
    prompt,
    said,
    schema_of,
    tools_of,
)
from earthward.control.sample_store import SampleStore
from earthward.control.shadow_records import record_of
from earthward.gateway.samples import Sample
from earthward.gateway.serving import ServingTarget
from earthward.ledger.books import JUDGE_PATH, SHADOW_PATH
from earthward.ledger.record import Record
from earthward.quality import lowly
from earthward.quality.case import Case, Said
from earthward.quality.compare import Compared, compared
from earthward.quality.spend import worst_of
from earthward.rollout.event import Event
from earthward.rollout.pairs import Outcome, event_of_score, events_of_pair
from earthward.store import quality as store
from earthward.store.content import ContentKeys
from earthward.store.quality import Answered as AnsweredForPeople
from earthward.store.quality import Content, Kept, Later, Looked, Pair

log = logging.getLogger("earthward.shadows")

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for which one sample waits for room at a target."""
LOOK = 0.1
MOST_ANSWERED = 4096
"""Tokens that a shadow may answer where the request states no limit: without one, no worst case would be known."""
NANO = 1_000_000_000
FAULTS = ANOTHER_MAY_SERVE - {FailureKind.RATE_LIMITED, FailureKind.OVERLOADED, FailureKind.PAYMENT}
"""What says something of the arm. That there is no room now for what nobody waits for says nothing of it."""


class NotNow(Exception):
    """This sample can't be compared; why, in one word for a counter."""


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
        self._purses = purses
        self._put_on_record = put_on_record
        self._queue = SampleQueue()
        self._next = 0.0
        self._pause = lowly.EVERY
        self._used = 0.0
        self._routes: dict[str, Route] = {}
        self._digests: dict[str, str] = {}
        self._count = 0
        self._boot = f"{time.time_ns():x}"
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
            await self._keep(sample, route, what.chat, {sample.arm: (sample.target, what.answer, "")}, {}, (), None, [])
            return
        target = self._asking.target(sample.other)
        if target is None or target.takes_callers_key:
            raise NotNow("no target")
        chat = what.chat if is_free(target) else msgspec.structs.replace(what.chat, max_tokens=most_of(what.chat))
        if what.answer is None and sample.status == "ok" and self._served_by_its_arm(sample, route):
            raise NotNow("not readable")
        if not self._verdict_has_room(route, target, chat, what.answer):
            raise NotNow("budget")
        answered = await self._ask(sample, route, target, chat, SHADOW_PATH)
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
        is_live_baseline = sample.arm == "baseline"
        first, second = (live, shadow.answer) if is_live_baseline else (shadow.answer, live)
        case = Case(prompt(chat), said(first), said(second), schema_of(chat), tools_of(chat))
        live_ok = sample.status == "ok" and live is not None and self._served_by_its_arm(sample, route)
        shadow_ok = shadow.failure is None and shadow.answer is not None
        found = self._timed(compared, case) if live_ok and shadow_ok else None
        verdict = Judged(found.score, (), False) if found else Judged(None, (), False)
        decided_by = "checks" if found and found.score is not None else ""
        digest = self._digests[route.name]
        if found is not None and found.score is None and route.sampling.judge:
            verdict = await self._judge(sample, route, case)
            decided_by = route.sampling.judge if verdict.score is not None else ""
        pair = self._pair(sample, case, found, verdict.score, decided_by, digest, shadow, ok=(live_ok, shadow_ok))
        later = self._later(sample, pair, found, shadow, digest, ok=(live_ok, shadow_ok), was_asked=verdict.was_asked)
        problem = shadow.failure.for_the_record if shadow.failure else ""
        sides = {
            sample.arm: (sample.target, live, "" if live_ok else "failed"),
            other_arm(sample): (shadow.target, shadow.answer, problem),
        }
        await self._keep(sample, route, chat, sides, found.whys if found else {}, verdict.words, pair, later)

    def _served_by_its_arm(self, sample: Sample, route: Route) -> bool:
        return sample.target == (route.baseline if sample.arm == "baseline" else route.candidate)

    async def _judge(self, sample: Sample, route: Route, case: Case) -> Judged:
        assert route.sampling is not None
        target = self._asking.target(route.sampling.judge)
        if target is None or target.takes_callers_key:
            return Judged(None, (), False)

        async def ask(chat: ChatRequest) -> Answered | None:
            try:
                return await self._ask(sample, route, target, chat, JUDGE_PATH)
            except NotNow as reason:
                self.dropped[sample.route, f"judge: {reason}"] += 1
                return None

        found = await judged(case, ask, target.target.model)
        if found.was_asked:
            self.done[sample.route, "judged" if found.score is not None else "judge failed"] += 1
        return found

    def _verdict_has_room(self, route: Route, target: ServingTarget, chat: ChatRequest, live: Answer | None) -> bool:
        """Whether the budget reaches for a billed shadow and for both questions to a billed judge after it: else the
        day's last money would go for answers that nobody compares. The other answer is taken to be as long."""
        assert route.sampling is not None
        judge = self._asking.target(route.sampling.judge) if route.sampling.judge else None
        if judge is None or is_free(target) or is_free(judge):
            return True
        case = Case(prompt(chat), said(live), said(live), schema_of(chat), tools_of(chat))
        asked_of_judge = self._worst_case(judge, question(case, "first", judge.target.model))
        amount = self._worst_case(target, chat) + 2 * asked_of_judge
        return self._purses.has_room(route.name, amount, route.sampling.budget, time.time_ns())

    # -- asking ------------------------------------------------------------------------------------------------------

    async def _ask(self, sample: Sample, route: Route, target: ServingTarget, chat: ChatRequest, path: str) -> Answered:
        """One question, once there is room and money for it. Raises NotNow."""
        assert route.sampling is not None
        place = await self._place(target)
        bound = self._asking.why_not(target, place, sample.data_class, route.boundary)
        if bound is not None:
            raise NotNow("bound")
        self._count += 1
        name = f"{self._boot}-{self._count:x}"
        amount = self._worst_case(target, chat)
        if not await self._purses.reserve(sample.route, name, amount, route.sampling.budget, time.time_ns()):
            raise NotNow("budget")
        cost: int | None = None
        try:
            deadlines = self._asking.deadlines(route, target)
            answered = await self._asking.ask(
                target, place, chat, deadlines if path == SHADOW_PATH else for_a_verdict(deadlines)
            )
            cost = answered.cost
            self._put_on_record(record_of(sample, path, name, target, answered, f"beside {sample.id}"))
        finally:
            await self._purses.settle(sample.route, name, cost)
        return answered

    async def _place(self, target: ServingTarget) -> int:
        end = time.monotonic() + PATIENCE
        while (place := self._asking.place(target)) is None:
            if time.monotonic() > end:
                raise NotNow("busy")
            await asyncio.sleep(LOOK)
        return place

    def _worst_case(self, target: ServingTarget, chat: ChatRequest) -> int:
        """What it may cost at most. Raises NotNow where that can't be known."""
        if is_free(target):
            return 0
        if not is_only_text(chat):
            raise NotNow("not bounded")
        most = most_of(chat)
        size = len(msgspec.json.encode((chat.messages, chat.tools, chat.output)))
        amount = worst_of(
            target.target, size, len(chat.messages), most * max(1, chat.answers), has_tools=bool(chat.tools)
        )
        if amount is None:
            raise NotNow("no price")
        return amount

    # -- what came of it ---------------------------------------------------------------------------------------------

    def _pair(
        self,
        sample: Sample,
        case: Case,
        found: Compared | None,
        score: float | None,
        decided_by: str,
        digest: str,
        shadow: Answered,
        *,
        ok: tuple[bool, bool],
    ) -> Pair:
        live_ok, shadow_ok = ok
        is_live_baseline = sample.arm == "baseline"
        baseline_ok, candidate_ok = (live_ok, shadow_ok) if is_live_baseline else (shadow_ok, live_ok)
        times = (sample.first_content, shadow.first_content)
        baseline_ttft, candidate_ttft = times if is_live_baseline else times[::-1]
        return Pair(
            sample.id,
            sample.route,
            sample.task,
            sample.at,
            sample.unit,
            sample.stage,
            sample.epoch,
            digest,
            score,
            decided_by,
            _length(case.baseline),
            _length(case.candidate),
            baseline_ttft,
            candidate_ttft,
            ((() if found is None else found.bad_baseline) if baseline_ok else ("failed",)),
            ((() if found is None else found.bad_candidate) if candidate_ok else ("failed",)),
        )

    def _later(
        self,
        sample: Sample,
        pair: Pair,
        found: Compared | None,
        shadow: Answered,
        digest: str,
        *,
        ok: tuple[bool, bool],
        was_asked: bool,
    ) -> list[Later]:
        baseline, candidate = _outcomes(sample, shadow, found, ok)
        t = sample.at / NANO
        in_shadow = sample.share == 0
        events: list[Event] = list(events_of_pair(t, sample.unit, baseline, candidate, in_shadow_stage=in_shadow))
        told = [Later(msgspec.json.encode(event)) for event in events]
        if pair.score is not None or was_asked:
            event = event_of_score(t, sample.unit, sample.share, pair.score)
            told.append(Later(msgspec.json.encode(event), digest))
        return told

    async def _keep(
        self,
        sample: Sample,
        route: Route,
        chat: ChatRequest,
        sides: dict[str, tuple[str, Answer | None, str]],
        whys: dict[str, str],
        words: tuple[str, ...],
        pair: Pair | None,
        later: list[Later],
    ) -> None:
        assert route.sampling is not None
        shown = {arm: _for_people(target, answer, problem) for arm, (target, answer, problem) in sides.items()}
        baseline = shown.get("baseline", shown.get("only"))
        content = Content(prompt(chat), baseline, shown.get("candidate"), whys, words)
        expires_at = time.time_ns() + int(route.sampling.retention * NANO)
        kept = Kept(sample.id, sample.route, sample.task, sample.at, expires_at, content)
        await self._store.put(Looked(kept, pair, tuple(later)))


def most_of(chat: ChatRequest) -> int:
    """Tokens. Callers of servers in the house say by a number below one that they state no limit."""
    stated = chat.max_tokens or 0
    return stated if stated > 0 else MOST_ANSWERED


def other_arm(sample: Sample) -> str:
    return "candidate" if sample.arm == "baseline" else "baseline"


def _outcomes(
    sample: Sample, shadow: Answered, found: Compared | None, ok: tuple[bool, bool]
) -> tuple[Outcome, Outcome]:
    """The baseline's and the candidate's."""
    live_ok, shadow_ok = ok
    checked = found.checked if found else ()
    of_baseline = found.baseline_metrics if found else ()
    of_candidate = found.candidate_metrics if found else ()
    is_live_baseline = sample.arm == "baseline"
    live_bad, shadow_bad = (of_baseline, of_candidate) if is_live_baseline else (of_candidate, of_baseline)
    live = Outcome(live_ok, _seconds(sample.first_content), _seconds(sample.duration), checked, live_bad)
    other = Outcome(shadow_ok, _seconds(shadow.first_content), _seconds(shadow.duration), checked, shadow_bad)
    return (live, other) if is_live_baseline else (other, live)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NANO


def _length(it: Said) -> int:
    return len(it.text) + sum(len(call.arguments) for call in it.calls)


def _for_people(target: str, answer: Answer | None, problem: str) -> AnsweredForPeople:
    it = said(answer)
    calls = [f"(calls {call.name} with {call.arguments})" for call in it.calls]
    return AnsweredForPeople(target, "\n".join(filter(None, (it.text, it.refusal, *calls))), it.finish, problem)


async def sweep_for_ever(parts: Callable[[], tuple[Engine, ContentKeys] | None], every: float) -> None:
    """Deletes what is past its time, again and again."""
    while True:
        await asyncio.sleep(every)
        now = parts()
        if now is not None:
            with contextlib.suppress(SQLAlchemyError):
                await asyncio.to_thread(store.sweep_all, now[0], time.time_ns())
