"""Where a rollout stands, for people, metrics and the snapshot that workers get."""

from collections.abc import Mapping

import msgspec

from earthward.config.snapshot import Route, Snapshot
from earthward.control.rollouts import LiveRollout
from earthward.rollout.event import WHOLE
from earthward.rollout.placed import with_shadow
from earthward.rollout.state import Phase, described


class Standing(msgspec.Struct, frozen=True):
    """`share` is in 1/10,000; `moves` is how many entries its history has. `problem` says why it stands still.

    `plan_since` is when the epoch began, and this plan with it, in seconds since 1970; `plan_changes` are the keys that
    the configuration has changed since, which count from the next start or retry. `unrecorded` is why nothing more of
    what it is told is put on record.
    """

    route: str
    plan: str
    phase: Phase
    place: str
    share: int
    stage: int
    epoch: int
    paused: str | None
    why: str
    moves: int
    problem: str = ""
    shadow: int = 0
    plan_since: float | None = None
    plan_changes: tuple[str, ...] = ()
    unrecorded: str = ""

    def placed(self, route: Route) -> Route:
        moved = msgspec.structs.replace(route, share=self.share, stage=self.stage, epoch=self.epoch)
        return with_shadow(moved, self.shadow)

    def told(self) -> dict[str, object]:
        """As `/api/status` shows it: the share as a fraction."""
        return {**msgspec.to_builtins(self), "share": self.share / WHOLE, "shadow": self.shadow / WHOLE}


def standing(live: LiveRollout) -> Standing:
    state = live.controller.state
    route = live.placed(Route(live.route))
    return Standing(
        live.route,
        state.plan.name,
        state.place.phase,
        described(state.place, state.plan, state.paused),
        route.share,
        route.stage,
        route.epoch,
        state.paused,
        live.controller.why,
        state.history_length,
        shadow=state.shadow,
        plan_since=state.began if state.epoch else None,
        plan_changes=live.changes,
        unrecorded=live.unrecorded,
    )


def placed(snapshot: Snapshot, standings: Mapping[str, Standing]) -> Snapshot:
    """Every route where its rollout has brought it. The version counts the moves, since workers decide by it."""
    known = {route.name: standings[route.name] for route in snapshot.routes if route.plan and route.name in standings}
    routes = [known[route.name].placed(route) if route.name in known else route for route in snapshot.routes]
    moves = sum(it.moves for it in known.values())
    version = f"{snapshot.version}~{moves}" if moves else snapshot.version
    return msgspec.structs.replace(snapshot, version=version, routes=tuple(routes))


def unplaced(version: str) -> str:
    """The version of the configuration itself, without what was changed at run time."""
    return version.partition("+")[0].partition("~")[0]
