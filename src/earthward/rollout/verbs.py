"""What people may tell a rollout to do, and when."""

from typing import Literal, get_args

from earthward.rollout.plan import Plan
from earthward.rollout.problems import shown
from earthward.rollout.state import UNDER_WAY, PauseReason, Phase, Place, State, Transition, described

Verb = Literal["start", "pause", "resume", "promote", "promote_full", "abort", "retry", "freeze", "undo"]
VERBS: tuple[Verb, ...] = get_args(Verb)
WORDS: dict[Verb, str] = {"promote_full": "promote --full"}
"""As people type them, where that is not their name."""

ENDED: tuple[Phase, ...] = ("rolled back", "aborted")
OVER: tuple[Phase, ...] = ("completed", *ENDED)
ALLOWED: dict[Verb, tuple[Phase, ...]] = {
    "start": ("pending",),
    "pause": UNDER_WAY,
    "freeze": UNDER_WAY,
    "resume": UNDER_WAY,
    "promote": UNDER_WAY,
    "promote_full": UNDER_WAY,
    "abort": ("pending", *UNDER_WAY, "completed"),
    "retry": ENDED,
    "undo": (*UNDER_WAY, "completed", *ENDED),
}


YIELDING: tuple[PauseReason | None, ...] = (None, "inconclusive", "no data", "error")
"""Pauses that another may take the place of. The others are somebody's, and nobody else's `pause` may weaken them."""


class NotNow(Exception):
    """A verb that is refused, with the reason. `moved` is what the passing of time had done before."""

    moved: tuple[Transition, ...] = ()


def said(verb: Verb) -> str:
    return WORDS.get(verb, verb)


def check(verb: Verb, state: State, now: float, at: str = "") -> None:
    """Raises NotNow where this verb means nothing now, or where the rollout is elsewhere than `at`, if that is said."""
    where = described(state.place, state.plan, state.paused)
    if at and not is_at(at, state):
        raise NotNow(f"the rollout is {where}, {_not_at(at, state.plan)}, so nothing was done")
    if state.place.phase not in ALLOWED[verb]:
        possible = ", ".join(said(other) for other, phases in ALLOWED.items() if state.place.phase in phases)
        raise NotNow(
            f"{said(verb)} is not possible while the rollout is {where}; possible now: {possible or 'nothing'}"
        )
    if verb == "resume" and state.paused is None:
        raise NotNow(f"the rollout is not paused, but {where}")
    if (verb == "pause" and state.paused not in YIELDING) or (verb == "freeze" and state.paused == "frozen"):
        raise NotNow(f"the rollout is paused already ({state.paused})")
    if verb == "retry" and now < state.cooled_at:
        raise NotNow(f"the rollout was rolled back and cools down for {state.cooled_at - now:.0f} s more")
    if verb == "undo":
        _check_undo(state, now)


def _check_undo(state: State, now: float) -> None:
    if state.before is None:
        raise NotNow("there is no move to undo")
    if now - state.moved_at > state.plan.undo_window:
        raise NotNow(
            f"the last move was {now - state.moved_at:.0f} s ago; only {state.plan.undo_window:.0f} s are allowed"
        )


def is_at(at: str, state: State) -> bool:
    """Whether that is where it stands, paused or not. A stage may be named by its share alone, as in `25%`, and as
    `described` has it."""
    return _plain(at) in _names(state.place, state.plan)


def _not_at(at: str, plan: Plan) -> str:
    """An order for a place that no plan has is a slip of the pen, and not somebody who came late."""
    known = [Place("shadow" if it.is_shadow else "stage", number) for number, it in enumerate(plan.stages)]
    known += [Place("bake"), *(Place(phase) for phase in ("pending", *OVER))]
    if any(_plain(at) in _names(it, plan) for it in known):
        return f"not {at.strip()}"
    stages = ", ".join(described(it, plan, None) for it in known)
    return f"and `{shown(at)}` is no place it could be at: {stages}"


def _names(place: Place, plan: Plan) -> tuple[str, str]:
    name = described(place, plan, None)
    return _plain(name), _plain(name.removeprefix("stage "))


def _plain(name: str) -> str:
    return "".join(name.partition(", paused")[0].split()).lower()
