"""The part of the admin API that tells how answers compare. Examples are decrypted only where they are asked for."""

import asyncio
import logging
from collections.abc import Callable

import msgspec
from fastapi import FastAPI, Response
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.config.snapshot import Route, Snapshot
from earthward.control.quality_report import Report, examples, judge_warnings, report
from earthward.control.standing import Standing
from earthward.rollout.plan import Plan
from earthward.store import quality as store
from earthward.store.content import ContentKeys

log = logging.getLogger("earthward.quality")

MOST_EXAMPLES = 50
MARGIN, ALPHA = 0.05, 0.05
"""Where no plan says others."""
Parts = Callable[[], tuple[Engine, ContentKeys] | None]


def serve_quality(
    app: FastAPI, snapshot: Callable[[], Snapshot], standings: Callable[[], dict[str, Standing]], parts: Parts
) -> None:
    @app.get("/api/rollouts/{route}/quality")
    async def quality(route: str, examples: int = 0) -> Response:
        now = snapshot()
        found = next((it for it in now.routes if it.name == route), None)
        if found is None or found.candidate is None:
            return _json(404, {"problem": f"no route `{route}` has two arms; those that have: {_with_arms(now)}"})
        open_parts = parts()
        if open_parts is None:
            return _json(503, {"problem": "the store is not open yet; try again in a moment"})
        count = max(0, min(examples, MOST_EXAMPLES))
        try:
            told = await asyncio.to_thread(_told, found, now, standings().get(route), open_parts, count)
        except SQLAlchemyError:
            return _json(503, {"problem": "the store is away; try again when it is back"})
        if count:
            shown = len(told.examples), len(told.remarks)
            log.info("%d examples and %d remarks of %s were shown to the admin", *shown, route)
        return _json(200, told)


def _told(
    route: Route, snapshot: Snapshot, standing: Standing | None, parts: tuple[Engine, ContentKeys], count: int
) -> Report:
    engine, keys = parts
    epoch = standing.epoch if standing is not None and standing.epoch else None
    pairs = store.pairs_of(engine, route.name, epoch)
    margin, alpha = _strictness(route)
    told = report(pairs, store.feedback_of(engine, route.name, epoch), route.name, epoch, margin, alpha)
    shown = examples(engine, keys, pairs, count) if count else []
    remarks = store.remarks(engine, keys, route.name, epoch, count) if count else []
    return msgspec.structs.replace(told, warnings=_warnings(route, snapshot, told), examples=shown, remarks=remarks)


def _strictness(route: Route) -> tuple[float, float]:
    if not route.plan:
        return MARGIN, ALPHA
    plan = msgspec.msgpack.decode(route.plan, type=Plan)
    margins = [gate.margin for gate in plan.gates if gate.metric == "quality"]
    return (margins[0] if margins else MARGIN), plan.certify_alpha


def _warnings(route: Route, snapshot: Snapshot, told: Report) -> list[str]:
    found = judge_warnings(route, snapshot)
    if route.sampling is None or not route.sampling.judge:
        found.append("the route has no `judge`, so only checks decide, and two good answers are never compared")
    found += [
        f"{it.task or 'no task'}: the figure for equal lengths is on the other side of a tie; one arm may win by length"
        for it in told.tasks
        if it.disagrees
    ]
    return found


def _with_arms(snapshot: Snapshot) -> str:
    return ", ".join(route.name for route in snapshot.routes if route.candidate) or "none"


def _json(status: int, value: object) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
