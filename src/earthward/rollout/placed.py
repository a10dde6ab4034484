"""What a rollout makes of its route: the share, the stage and the epoch that workers assign units by."""

import msgspec

from earthward.config.snapshot import Route
from earthward.rollout.state import State


def placed(route: Route, state: State) -> Route:
    """The route as the rollout wants it now. Each epoch draws its units anew; in one, none goes back but by rollback.

    `stage` counts from 1; 0 is a route whose rollout has not begun.
    """
    stage = 0 if state.place.phase == "pending" else _number(state)
    moved = msgspec.structs.replace(route, share=state.share, stage=stage, epoch=state.epoch)
    return with_shadow(moved, state.shadow)


def with_shadow(route: Route, shadow: int) -> Route:
    """In a shadow stage the plan says how much is shadowed; at other times the route does."""
    if route.sampling is None or not shadow:
        return route
    return msgspec.structs.replace(route, sampling=msgspec.structs.replace(route.sampling, shadow=shadow))


def _number(state: State) -> int:
    if state.place.phase in ("promoted", "bake", "completed"):
        return len(state.plan.stages) + 1
    return state.place.stage + 1
