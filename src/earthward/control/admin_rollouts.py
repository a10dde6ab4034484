"""The part of the admin API that tells of rollouts, and takes what people say to them."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Request, Response
from sqlalchemy import Engine

from earthward.control.rollout_routes import NoRollout, Rollouts
from earthward.rollout.verbs import NotNow, Verb

LARGEST = 16 * 1024

SAYS_SOMETHING = r"\S"
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=SAYS_SOMETHING)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=SAYS_SOMETHING)]

Stage = Annotated[str, msgspec.Meta(max_length=200)]


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who says what, and why; both are kept in the history. With `stage`, only if the rollout is there now."""

    verb: Verb
    by: Name
    why: Text
    stage: Stage = ""


def serve_rollouts(app: FastAPI, rollouts: Rollouts, engine: Callable[[], Engine | None]) -> None:
    @app.get("/api/rollouts/{route}")
    async def told(route: str) -> Response:
        try:
            return _json(200, await asyncio.to_thread(rollouts.told, route))
        except NoRollout as problem:
            return _json(404, {"problem": str(problem)})

    @app.post("/api/rollouts/{route}")
    async def act(route: str, request: Request) -> Response:
        try:
            order = msgspec.json.decode(await _body(request), type=Order)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as problem:
            return _json(400, {"problem": str(problem)})
        return await asyncio.to_thread(_done, rollouts, route, order, engine())


def _done(rollouts: Rollouts, route: str, order: Order, engine: Engine | None) -> Response:
    try:
        return _json(200, rollouts.act(route, order.verb, order.by, order.why, engine, order.stage).told())
    except NoRollout as problem:
        return _json(404, {"problem": str(problem)})
    except NotNow as refusal:
        standing = rollouts.standings.get(route)
        return _json(409, {"problem": str(refusal), "place": standing.place if standing else ""})
    except OSError as error:
        return _json(503, {"problem": f"it can't be written down, so nothing was done: {error.strerror or error}"})


async def _body(request: Request) -> bytes:
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > LARGEST:
            raise ValueError(f"more than {LARGEST} bytes")
    return data


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
