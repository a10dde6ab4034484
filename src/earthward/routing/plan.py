"""What will be tried for a request, in order, and why; and what will not, and why not.

Pure: which endpoint, whether it answers and whether the retry budget allows a next attempt is decided elsewhere.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from earthward.config.snapshot import Route, Target, Zone
from earthward.ledger.record import DRILL, Arm
from earthward.routing import drill, egress, split

MOST_ATTEMPTS = 3

REMEMBERED = 8192

Reasoned = tuple[str, str]
Choice = tuple[tuple[Reasoned, ...], tuple[Reasoned, ...]]
Situation = tuple[str, Arm, bool, frozenset[str], str, str | None]


class Plan(msgspec.Struct, frozen=True):
    """`attempts` and `excluded` are (target, reason); `share` is the chance, in 1/10,000, that this unit had of the
    candidate, and `bucket` what was drawn, or -1."""

    route: str
    arm: Arm
    share: int
    bucket: int
    attempts: tuple[Reasoned, ...]
    excluded: tuple[Reasoned, ...]
    stage: int = 0
    epoch: int = 0

    @property
    def is_drill(self) -> bool:
        return bool(self.attempts) and self.attempts[0][1] == DRILL


class Planner:
    """Plans for the targets of one snapshot. What does not depend on the unit is worked out once and remembered."""

    def __init__(self, targets: Mapping[str, Target], switch: Zone | None = None) -> None:
        self._targets = targets
        self._switch = switch
        self._known: dict[Situation, Choice] = {}

    def plan(
        self,
        route: Route,
        *,
        unit: str,
        salt: bytes,
        features: frozenset[str] = frozenset(),
        data_class: str = "",
        key: str = "",
        app: str = "",
        team: str = "",
        own_key: str | None = None,
        draws: bool = True,
        is_drill_due: bool = False,
    ) -> Plan:
        """The plan for a request that needs `features` and holds data of `data_class`.

        `own_key` is the dialect whose vendor's key the caller brings, where callers bring their own. What `draws` not
        goes to the first of the route's targets that can serve it, whatever share another one has. Where a drill is due
        by the hour, this request is it.
        """
        if not draws and self._switch is None:
            return self._drawn_for_nobody(route, features, data_class, own_key)
        if self._switch is None:
            arm, bucket = split.arm(route, unit, salt, key=key, app=app, team=team)
        else:
            # Nobody is drawn, and nothing that is served now tells how the arms compare.
            arm, bucket = "only", -1
        is_pilot = arm == "candidate" and bucket < 0
        may_drill = (is_drill_due or route.drill) and self._switch is None and not is_pilot
        if may_drill and (is_drill_due or drill.is_drilled(route, unit, salt)):
            drilled = self._drilled(route, arm, features, data_class, own_key)
            if drilled is not None:
                return drilled
        situation = (route.name, arm, is_pilot, features, data_class, own_key)
        choice = self._known.get(situation)
        if choice is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            choice = self._known[situation] = self._chosen(route, arm, is_pilot, features, data_class, own_key)
        share = split.BUCKETS if is_pilot else 0 if arm == "only" else route.share
        return Plan(route.name, arm, share, bucket, choice[0], choice[1], route.stage, route.epoch)

    def _drilled(
        self, route: Route, arm: Arm, features: frozenset[str], data_class: str, own_key: str | None
    ) -> Plan | None:
        """Through the emergency path, and on as ever where that fails; None where the request may not go there.

        It says nothing of how the arms compare, so it is on none.
        """
        name = drill.emergency_target(route, self._targets)
        if name is None or why_not(route, self._targets[name], features, data_class, own_key) is not None:
            return None
        attempts, excluded = self._chosen(route, arm, False, features, data_class, own_key)
        others = tuple(it for it in attempts if it[0] != name)[: MOST_ATTEMPTS - 1]
        return Plan(route.name, "only", 0, -1, ((name, DRILL), *others), excluded, route.stage, route.epoch)

    def _drawn_for_nobody(self, route: Route, features: frozenset[str], data_class: str, own_key: str | None) -> Plan:
        attempts: list[Reasoned] = []
        excluded: list[Reasoned] = []
        for name in dict.fromkeys(
            name for name in (route.use, route.baseline, route.candidate, *route.fallback) if name
        ):
            reason = why_not(route, self._targets[name], features, data_class, own_key)
            if reason is not None:
                excluded.append((name, reason))
            elif len(attempts) < MOST_ATTEMPTS:
                attempts.append((name, "the next that can" if attempts else "the first that can"))
        return Plan(route.name, "only", 0, -1, tuple(attempts), tuple(excluded), route.stage, route.epoch)

    def _chosen(
        self, route: Route, arm: Arm, is_pilot: bool, features: frozenset[str], data_class: str, own_key: str | None
    ) -> Choice:
        attempts: list[Reasoned] = []
        excluded: list[Reasoned] = []
        seen: set[str] = set()
        ordered = _in_order(route, arm, is_pilot)
        if self._switch is not None:
            ordered = self._switched(route, self._switch, features, data_class, own_key)
        for name, why in ordered:
            if name in seen:
                continue
            seen.add(name)
            reason = why if why in SWITCHED_OFF else None
            reason = reason or why_not(route, self._targets[name], features, data_class, own_key)
            if reason is not None:
                excluded.append((name, reason))
            elif len(attempts) < MOST_ATTEMPTS:
                attempts.append((name, why))
        return tuple(attempts), tuple(excluded)

    def _switched(
        self, route: Route, zone: Zone, features: frozenset[str], data_class: str, own_key: str | None
    ) -> Iterator[Reasoned]:
        """All of the route's targets, those in this zone alone; what must not leave stays, whatever the switch says."""
        names = [route.use, route.baseline, route.candidate, *route.fallback]
        listed = [name for name in names if name is not None]
        able = [name for name in listed if why_not(route, self._targets[name], features, data_class, own_key) is None]
        can_obey = zone == "local" or any(self._targets[name].zone == zone for name in able)
        for name in listed:
            if self._targets[name].zone == zone:
                yield name, f"by the switch to {zone}"
            elif can_obey:
                yield name, SWITCHED_TO[zone]
            else:
                yield name, "no target in the cloud may serve it, whatever the switch says"


SWITCHED_TO: dict[Zone, str] = {
    "cloud": "the switch sends everything to the cloud",
    "local": "the switch keeps everything in the house",
}
SWITCHED_OFF = frozenset(SWITCHED_TO.values())


def plan(route: Route, targets: Mapping[str, Target], **asked: Any) -> Plan:
    """One plan, with nothing remembered; see `Planner.plan` for what is asked."""
    return Planner(targets).plan(route, **asked)


def why_not(
    route: Route, target: Target, features: frozenset[str], data_class: str, own_key: str | None = None
) -> str | None:
    """Why this target may not or cannot serve the request, or None."""
    bound = egress.why_not(data_class, route.boundary, target.zone)
    if bound is not None:
        return bound
    if target.callers_key is not None and target.callers_key != own_key:
        return "takes callers' own keys, and those of another vendor"
    if features <= target.abilities:
        return None
    says = ", says its host" if target.shown is not None and not target.states_abilities else ""
    return f"can't do {', '.join(sorted(features - target.abilities))}{says}"


def _in_order(route: Route, arm: Arm, is_pilot: bool) -> Iterator[Reasoned]:
    """A failing candidate is rescued by its baseline; the other way round only where the route says so."""
    if route.use is not None:
        yield route.use, "the route's only target"
    elif arm == "candidate" and route.candidate is not None and route.baseline is not None:
        yield route.candidate, "pilot" if is_pilot else "candidate"
        yield route.baseline, "baseline, for the candidate"
    elif route.baseline is not None:
        yield route.baseline, "baseline"
        if route.candidate is not None and route.candidate_may_rescue and route.candidate not in route.fallback:
            yield route.candidate, "candidate, for the baseline"
    for name in route.fallback:
        if name != route.candidate or arm == "candidate" or route.candidate_may_rescue:
            yield name, "fallback"
