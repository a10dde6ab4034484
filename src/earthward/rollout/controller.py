"""A rollout under way: events, times and verbs in, transitions out. Never waits, and asks no clock.

Everything it knows is in its state, and what it does depends on that and on what it is told, in the order it is told.
So the same log always leads to the same decisions, and a controller that was killed goes on from the last state written
down. Deadlines take effect at the moment they fall due, however late somebody looks.
"""

import hashlib
from typing import Literal

import msgspec

from earthward.rollout import alpha, verbs
from earthward.rollout.eta import expected_seconds
from earthward.rollout.event import WHOLE, Event
from earthward.rollout.evidence import SPLIT_ALPHA, Watch, begun, even_split
from earthward.rollout.judge import Facts, Move, judged, span
from earthward.rollout.plan import Plan, metric_of
from earthward.rollout.state import (
    Finding,
    Happening,
    PauseReason,
    Place,
    State,
    Subject,
    Transition,
    described,
)
from earthward.rollout.verbs import Verb
from earthward.rollout.weights import Weights, brought_up_to, is_another

End = Literal["completed", "rolled back", "aborted"]

OURSELVES = "earthward"
NOTHING: tuple[Transition, ...] = ()
TIMES = ("began", "since", "patient_since", "due", "cooled_at", "moved_at")
FOREVER = float("inf")


class Controller:
    """Drives one rollout. `state` may be written down after any call, and a controller made of it later."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.plan = state.plan
        self.digest = digest(state.plan)
        self._alphas = alpha.shares(state.plan)
        self._enough_split = (len(self.plan.stages) + 1) / SPLIT_ALPHA
        self._ready()

    # ── what comes in ──

    def feed(self, event: Event) -> tuple[Transition, ...]:
        """Takes in one request. Returns what changed by it, mostly nothing."""
        state, t = self.state, event.t
        moved = NOTHING
        if t >= state.due:
            moved = self.advance(t)
        elif t > state.now:
            state.now = t
        if not state.is_under_way:
            return moved
        if self._take(event):
            moved += self._judge(state.now)
        return moved

    def advance(self, now: float) -> tuple[Transition, ...]:
        """Lets time pass up to `now`. Time never runs back: an earlier time changes nothing."""
        state = self.state
        moved = NOTHING
        while state.due <= now:
            state.now = max(state.now, state.due)
            moved += self._judge(state.now)
        state.now = max(state.now, now)
        return moved

    def set_back(self, now: float) -> tuple[Transition, ...]:
        """The clock was set back to `now`. All that was before keeps its distance, so that what comes next is not
        taken for what was long ago."""
        state = self.state
        by, state.now = state.now - now, now
        for name in TIMES:
            setattr(state, name, getattr(state, name) - by)
        for evidence in state.evidence.values():
            evidence.began -= by
        self._ready()
        return self._note(OURSELVES, f"the clock was set back by {span(by)}")

    def act(
        self, verb: Verb, now: float, by: str, why: str, reason: PauseReason = "manual", at: str = ""
    ) -> tuple[Transition, ...]:
        """Does what somebody says, only if it is `at` that place where one is named. Raises NotNow, with what became
        due before in its `moved`."""
        moved = self.advance(now)
        state = self.state
        try:
            verbs.check(verb, state, state.now, at)
        except verbs.NotNow as refusal:
            refusal.moved = moved
            raise
        done: tuple[Transition, ...] = getattr(self, f"_{verb}")(by, why, reason)
        return moved + done

    def change(self, subject: Subject, now: float) -> tuple[Transition, ...]:
        """Says what is being tried now. Another model or prompt makes all evidence void, another judge that
        of pairs. What has ended says nothing of another candidate: then nothing has begun, and all is on the baseline.
        """
        moved = self.advance(now)
        state = self.state
        old, state.subject = state.subject, subject
        if old == subject or old == Subject():
            return moved
        if state.place.phase in verbs.OVER and old.candidate and old.candidate != subject.candidate:
            why = "another candidate, of which nothing is known yet; `start` begins with it"
            return moved + self._moved_to(Place("pending"), OURSELVES, why, "noted")
        is_another = (old.model, old.prompt) != (subject.model, subject.prompt)
        if not state.is_under_way:
            if is_another:
                # Whoever took the last move back would go on with evidence about other models.
                state.before = None
            return moved
        if is_another:
            return moved + self._enter(self._first(), OURSELVES, "another model or prompt: a new epoch", anew=True)
        return moved if old.judge == subject.judge else moved + self._compare_anew("another judge")

    def see(self, arms: Weights, judge: Weights, now: float) -> tuple[Transition, ...]:
        """Says what hosts have on their disks by the names of both arms' models, and of the judge's."""
        moved = self.advance(now)
        state = self.state
        are_others, is_other_judge = is_another(state.weights, arms), is_another(state.judge_weights, judge)
        state.weights = brought_up_to(state.weights, arms)
        state.judge_weights = brought_up_to(state.judge_weights, judge)
        if are_others and state.is_under_way:
            return moved + self._enter(
                self._first(), OURSELVES, "a host has another model by that name: a new epoch", anew=True
            )
        if are_others:
            state.before = None
        if is_other_judge and state.is_under_way:
            return moved + self._compare_anew("a host has another judge by that name")
        return moved

    def _compare_anew(self, why: str) -> tuple[Transition, ...]:
        for gate in self.plan.gates:
            if metric_of(gate).kind == "pairs":
                self.state.evidence[gate.metric] = begun(gate, metric_of(gate), self.state.now)
        self._ready()
        return self._note(OURSELVES, f"{why}: comparisons begin anew")

    # ── evidence ──

    def _take(self, event: Event) -> bool:
        """Whether anything came of it that may decide something."""
        state = self.state
        if event.t < state.began:
            return False
        news = not event.is_later and event.t >= state.since and self._counts(event)
        for take in self._takes:
            if take(event):
                news = True
        if event.t >= self._fresh_from:
            for take in self._takes_of_stage:
                if take(event):
                    news = True
            # Shadows come in pairs, one of each arm: there is no split that could be off.
            if not event.is_later and not self._is_shadow and state.split.take(event, self._enough_split):
                news = state.is_split_off = True
        if event.unmeasured:
            self._note_unmeasured(event)
        return news

    def _counts(self, event: Event) -> bool:
        """Whether the stage has just had the requests it needs."""
        state = self.state
        if event.arm == "baseline":
            state.baseline_requests += 1
            return False
        if not self._is_shadow:
            state.exposed += 1
        if event.share == WHOLE != self._share:
            # Pilots chose themselves, and are no sample of anything.
            return False
        state.requests += 1
        return state.requests == self._min_requests

    def _note_unmeasured(self, event: Event) -> None:
        for watch in self._watches:
            if watch.gate.metric in event.unmeasured:
                watch.fail_to_measure()

    def _ready(self) -> None:
        """Makes ready what every event needs, from the state."""
        state = self.state
        self._watches = [
            Watch(gate, metric_of(gate), self._alphas[gate.metric], self.plan.certify_alpha, evidence)
            for gate in self.plan.gates
            if (evidence := state.evidence.get(gate.metric)) is not None
        ]
        stage = state.stage
        self._is_shadow = stage is not None and stage.is_shadow
        self._share = stage.share if stage is not None else 0
        self._min_requests = stage.min_requests if stage is not None else 0
        self._fresh_from = state.since + (0.0 if self._is_shadow else self.plan.warm_up)
        self._takes = [watch.take for watch in self._watches if not watch.is_of_stage]
        self._takes_of_stage = [watch.take for watch in self._watches if watch.is_of_stage]

    # ── decisions ──

    def _judge(self, now: float) -> tuple[Transition, ...]:
        state = self.state
        if not state.is_under_way:
            state.due = FOREVER
            return NOTHING
        move = judged(self._facts())
        state.due = self._next_due(now)
        return self._dry_runs() + self._carried_out(move)

    def _facts(self) -> Facts:
        state, stage = self.state, self.state.stage
        assert stage is not None
        return Facts(
            stage,
            self.plan.gates,
            {watch.gate.metric: watch.verdict for watch in self._watches},
            requests=state.requests,
            elapsed=state.now - state.since,
            waited=state.now - state.patient_since,
            is_held=state.now < state.since + stage.hold,
            is_out_of_time=stage.timeout is not None and state.now >= state.patient_since + stage.timeout,
            is_split_off=state.is_split_off,
            paused=state.paused,
        )

    def _next_due(self, now: float) -> float:
        state, stage = self.state, self.state.stage
        assert stage is not None
        times = [state.since + stage.hold]
        if stage.timeout is not None:
            times.append(state.patient_since + stage.timeout)
        return min((time for time in times if time > now), default=FOREVER)

    def _carried_out(self, move: Move) -> tuple[Transition, ...]:
        match move.action:
            case "stay":
                self.state.why = move.why
                return NOTHING
            case "pause":
                self.state.paused = move.reason
                return self._note(OURSELVES, move.why, "paused")
            case "promote":
                return self._go_on(OURSELVES, move.why)
        return self._end("rolled back", OURSELVES, move.why)

    def _dry_runs(self) -> tuple[Transition, ...]:
        """Says once of each dry run and signal what it would have done as a guardrail."""
        moved = NOTHING
        for watch in self._watches:
            name = watch.gate.metric
            if watch.gate.role != "guardrail" and watch.verdict == "fail" and name not in self.state.would:
                self.state.would.add(name)
                does = "holds" if watch.gate.role == "signal" else "as a guardrail it would have rolled back"
                moved += self._note(OURSELVES, f"{name} ({watch.gate.role}): the candidate is worse; {does}")
        return moved

    # ── moves ──

    def _first(self) -> Place:
        if not self.plan.stages:
            return Place("bake")
        return Place("shadow" if self.plan.stages[0].is_shadow else "stage", 0)

    def _go_on(self, by: str, why: str, *, full: bool = False) -> tuple[Transition, ...]:
        """To the next stage; from the last one through promotion to the watch at the end."""
        place, stages = self.state.place, self.plan.stages
        if place.phase == "bake":
            return self._end("completed", by, why)
        ahead = place.stage + 1
        if ahead < len(stages) and not full:
            return self._enter(Place("shadow" if stages[ahead].is_shadow else "stage", ahead), by, why)
        moved = self._moved_to(Place("promoted"), by, why, "promoted")
        return moved + self._enter(Place("bake"), OURSELVES, "watched with a holdback before it is completed", "baking")

    def _enter(
        self, place: Place, by: str, why: str, event: Happening = "stage passed", *, anew: bool = False
    ) -> tuple[Transition, ...]:
        """Begins a stage, and with `anew` an epoch too."""
        state = self.state
        moved = self._moved_to(place, by, why, "started" if anew else event, epoch=state.epoch + anew)
        if anew:
            state.evidence, state.would, state.exposed, state.began = {}, set(), 0, state.now
        self._begin_stage()
        return moved + self._judge(state.now)

    def _begin_stage(self) -> None:
        """What depends on the candidate's own share begins anew; what is known of its answers stays."""
        state = self.state
        state.since = state.patient_since = state.now
        state.requests = state.baseline_requests = 0
        state.split, state.is_split_off = even_split(), False
        for gate in self.plan.gates:
            old = state.evidence.get(gate.metric)
            metric = metric_of(gate)
            if old is None or metric.span == "stage":
                state.evidence[gate.metric] = begun(gate, metric, state.now, old.limit if old else None)
                if old is not None and old.limit is None:
                    state.evidence[gate.metric].pre = old.pre
        self._ready()

    def _end(self, phase: End, by: str, why: str) -> tuple[Transition, ...]:
        state = self.state
        moved = self._moved_to(Place(phase, state.place.stage), by, why, phase)
        state.due = FOREVER
        if phase == "rolled back":
            state.cooled_at = state.now + self.plan.cooldown
        return moved

    def _moved_to(
        self, place: Place, by: str, why: str, event: Happening, epoch: int | None = None
    ) -> tuple[Transition, ...]:
        state = self.state
        before = described(state.place, self.plan, state.paused)
        if state.place.phase != "promoted":
            state.before = state.place
        evidence = self._findings()
        state.moved_at, state.place, state.paused, state.why = state.now, place, None, why
        state.epoch = state.epoch if epoch is None else epoch
        return (self._transition(before, by, why, evidence, event),)

    def _note(self, by: str, why: str, event: Happening = "noted") -> tuple[Transition, ...]:
        """Something happened that moves no traffic."""
        self.state.why = why
        where = described(self.state.place, self.plan, None)
        return (self._transition(where, by, why, self._findings(), event),)

    def _transition(
        self, before: str, by: str, why: str, evidence: tuple[Finding, ...], event: Happening
    ) -> Transition:
        state = self.state
        state.history_length += 1
        after = described(state.place, self.plan, state.paused)
        return Transition(
            state.now,
            before,
            after,
            state.share,
            state.shadow,
            state.epoch,
            state.requests,
            by,
            why,
            self.digest,
            evidence,
            event,
        )

    def _findings(self) -> tuple[Finding, ...]:
        return tuple(self._finding(watch) for watch in self._watches) if self.state.is_under_way else ()

    def _finding(self, watch: Watch) -> Finding:
        it, kind = watch.evidence, watch.metric.kind
        stage = self.state.stage
        share = stage.share if stage is not None else 0
        return Finding(
            watch.gate.metric,
            watch.gate.role,
            watch.verdict,
            it.baseline,
            it.candidate,
            it.baseline_bad,
            it.candidate_bad,
            it.worse.fortune,
            watch.enough_worse,
            it.goodness,
            watch.enough_good,
            ratio=_ratio(it.candidate_bad, it.candidate, it.baseline_bad, it.baseline),
            mean=it.total / it.candidate if kind in ("pairs", "sums") and it.candidate else None,
            baseline_mean=it.baseline_total / it.baseline if kind == "sums" and it.baseline else None,
            limit=it.limit,
            expected_s=expected_seconds(watch, share, self.state.now - it.began),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The evidence as it is now."""
        return self._findings()

    @property
    def why(self) -> str:
        """What it waits for, or why it is where it is."""
        return judged(self._facts()).why if self.state.is_under_way else self.state.why

    # ── verbs ──

    def _start(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        return self._enter(self._first(), by, why, anew=True)

    def _retry(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        return self._enter(self._first(), by, why, anew=True)

    def _pause(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        self.state.paused = reason
        return self._note(by, why, "judge down" if reason == "judge down" else "paused")

    def _freeze(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        self.state.paused = "frozen"
        return self._note(by, why, "paused")

    def _resume(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        """Waiting begins anew, so that what it was paused for does not pause it again at once."""
        state = self.state
        if state.paused == "approval":
            return self._go_on(by, why)
        if state.paused == "split":
            state.split, state.is_split_off = even_split(), False
        state.paused = None
        state.patient_since = state.now
        return self._note(by, why, "resumed") + self._judge(state.now)

    def _promote(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        return self._go_on(by, why)

    def _promote_full(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        return self._go_on(by, why, full=True)

    def _abort(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        return self._end("aborted", by, why)

    def _undo(self, by: str, why: str, reason: PauseReason) -> tuple[Transition, ...]:
        """Back to where it was before the last move. After a rollback the evidence that caused it is set aside."""
        state = self.state
        assert state.before is not None
        if state.place.phase in verbs.ENDED:
            state.evidence, state.would = {}, set()
        moved = self._moved_to(state.before, by, why, "undone")
        state.before = None
        if not state.is_under_way:
            state.due = FOREVER
            return moved
        self._begin_stage()
        return moved + self._judge(state.now)


def begin(plan: Plan) -> State:
    """The state of a rollout that nobody has started."""
    return State(plan)


def digest(plan: Plan) -> str:
    """Names a plan by what it says."""
    return hashlib.sha256(msgspec.json.encode(plan, order="deterministic")).hexdigest()[:16]


def _ratio(candidate_bad: int, candidate: int, baseline_bad: int, baseline: int) -> float | None:
    if not candidate or not baseline or not baseline_bad:
        return None
    return (candidate_bad / candidate) / (baseline_bad / baseline)
