"""The part of the admin API that tells what is left of limits."""

import asyncio

import msgspec
from fastapi import FastAPI, Response

from earthward.control.limits import Limits


def serve_limits(app: FastAPI, limits: Limits) -> None:
    @app.get("/api/limits")
    async def told(scope: str | None = None, name: str | None = None) -> Response:
        found = await asyncio.to_thread(limits.usage, scope, name)
        return Response(msgspec.json.encode({"limits": found}), media_type="application/json")
