"""The admin API: health, metrics and the state of the gateway, for those with the token.

The Host header must name this port's own address, so that a web page in an operator's browser can't reach it by a
name of its own.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from earthward import __version__
from earthward.control.metrics import Metrics

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
Next = Callable[[Request], Awaitable[Response]]


def application(
    *, token: str, hosts: frozenset[str], metrics: Metrics, status: Callable[[], dict[str, Any]]
) -> FastAPI:
    """`hosts` are the names this port may be called by; `status` tells how the gateway is."""
    app = FastAPI(
        title="Earthward", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )

    @app.middleware("http")
    async def guard(request: Request, call_next: Next) -> Response:
        if host_name(request.headers.get("host", "")) not in hosts:
            return PlainTextResponse("this Host is not served here\n", 421)
        if request.url.path not in OPEN_PATHS and not is_bearer(request.headers.get("authorization", ""), token):
            return PlainTextResponse("the admin token is missing or wrong\n", 401, {"www-authenticate": "Bearer"})
        return await call_next(request)

    @app.get("/healthz")
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def readyz() -> PlainTextResponse:
        ready = status()["ready"]
        return PlainTextResponse("ready\n" if ready else "not ready; see /api/status\n", 200 if ready else 503)

    @app.get("/metrics")
    async def prometheus() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/api/status")
    async def api_status() -> JSONResponse:
        return JSONResponse(status())

    return app


def host_name(host: str) -> str:
    """The name in a Host header, without its port and in lower case."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") and ":" in host else host
    return name.strip("[]").lower()


def is_bearer(header: str, token: str) -> bool:
    scheme, _, presented = header.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(presented.strip().encode(), token.encode())
