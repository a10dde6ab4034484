"""What people may tell a rollout to do, and when."""

from typing import Literal, get_args

from earthward.rollout.state import UNDER_WAY, PauseReason, Phase, State, Transition, described

Verb = Literal["start", "pause", "resume", "promote", "promote_full", "abort", "retry", "freeze", "undo"]
VERBS: tuple[Verb, ...] = get_args(Verb)

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


def check(verb: Verb, state: State, now: float) -> None:
    """Raises NotNow where this verb means nothing now."""
    where = described(state.place, state.plan, state.paused)
    if state.place.phase not in ALLOWED[verb]:
        possible = ", ".join(other for other, phases in ALLOWED.items() if state.place.phase in phases)
        raise NotNow(f"{verb} is not possible while the rollout is {where}; possible now: {possible or 'nothing'}")
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
