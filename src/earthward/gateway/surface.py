"""Which path is what: exchanges, models lists, health, CORS, and a clear 404 for the rest.

Decides on the raw path as it was sent, never on a rebuilt URL.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import Key
from earthward.dialects import openai_chat
from earthward.gateway import exchange
from earthward.gateway.upstream import Headers
from earthward.http.server import Request, ServerConnection
from earthward.routing.match import Asked

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

Answer = Callable[[Request, ServerConnection], None]
TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON = (b"content-type", b"application/json")
CORS_METHODS = b"GET, POST, OPTIONS"


class Surface:
    """The data plane's paths for one worker."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._paths: dict[bytes, dict[bytes, Answer]] = {
            b"/v1/chat/completions": {b"POST": self._exchange},
            b"/v1/models": {b"GET": self._models},
            b"/healthz": {b"GET": self._healthz},
            b"/readyz": {b"GET": self._readyz},
        }

    def answer(self, request: Request, connection: ServerConnection) -> None:
        """Sends the request where its path and method belong."""
        methods = self._paths.get(request.path)
        if methods is None and request.path.startswith(b"/v1/models/"):
            methods = {b"GET": self._model}
        method = b"GET" if request.method == b"HEAD" else request.method
        if methods is None:
            path = request.path[:200].decode("latin-1")
            message = f"{path} is not served here; see /v1/models and /v1/chat/completions"
            self.fail(request, connection, Failure(FailureKind.NO_SUCH_PATH, message))
        elif method in methods:
            methods[method](request, connection)
        elif request.method == b"OPTIONS":
            self._preflight(request, connection, methods)
        else:
            allowed = ", ".join(sorted(name.decode() for name in methods))
            failure = Failure(FailureKind.METHOD_NOT_ALLOWED, f"this path takes {allowed}")
            self.fail(request, connection, failure, [(b"allow", allowed.encode())])

    def fail(
        self, request: Request, connection: ServerConnection, failure: Failure, headers: Headers | None = None
    ) -> None:
        status, own, body = openai_chat.write_failure(failure)
        connection.respond(status, [*own, *(headers or []), *self.cors_headers(request)], body)

    def turned_away(self, request: Request) -> tuple[int, Headers, bytes] | None:
        """The answer to a stranger whose body need not be waited for; None for everybody else."""
        if request.path not in self._paths:
            return None
        caller = exchange.caller_of(self._worker, dict(request.headers))
        if not isinstance(caller, Failure):
            return None
        status, headers, body = openai_chat.write_failure(caller)
        return status, [*headers, *self.cors_headers(request)], body

    def _foreign(self, request: Request) -> Failure | None:
        """An open gateway takes no orders from web pages it was not told of."""
        if self._worker.serving.snapshot.auth != "open" or request.get(b"origin") is None or self.cors_headers(request):
            return None
        message = "this origin is not allowed: name it under `cors`, or have callers show keys (`auth: keys`)"
        return Failure(FailureKind.FORBIDDEN, message)

    def error_body(self, status: int, reason: str, path: bytes) -> tuple[bytes, bytes]:
        """The body for a request that http/ refused before it got here."""
        kind = FailureKind.TOO_LARGE if status in (413, 414, 431) else FailureKind.BAD_REQUEST
        _, _, body = openai_chat.write_failure(Failure(kind, reason))
        return b"application/json", body

    def cors_headers(self, request: Request) -> Headers:
        """What a browser needs to read the answer, for origins that the configuration names."""
        allowed = self._worker.serving.snapshot.cors
        if not allowed:
            return []
        origin = request.get(b"origin")
        if origin is None or not ("*" in allowed or origin.decode("latin-1") in allowed):
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"*"),
            (b"vary", b"origin"),
        ]

    # -- the paths -----------------------------------------------------------------------------------------------

    def _exchange(self, request: Request, connection: ServerConnection) -> None:
        failure = self._foreign(request) or exchange.admit(self._worker, request, connection)
        if failure is not None:
            self.fail(request, connection, failure)

    def _models(self, request: Request, connection: ServerConnection) -> None:
        caller = exchange.caller_of(self._worker, dict(request.headers))
        if isinstance(caller, Failure):
            self.fail(request, connection, caller)
            return
        offered = [name for name in self._worker.serving.offered if self._serves(name, caller)]
        body = openai_chat.write_models(offered, self._worker.started)
        connection.respond(200, [JSON, *self.cors_headers(request)], body)

    def _model(self, request: Request, connection: ServerConnection) -> None:
        caller = exchange.caller_of(self._worker, dict(request.headers))
        name = unquote_to_bytes(request.path.removeprefix(b"/v1/models/")).decode("utf-8", "replace")
        if isinstance(caller, Failure):
            self.fail(request, connection, caller)
        elif not self._serves(name, caller):
            message = f"no route serves the model {name[:200]!r}"
            self.fail(request, connection, Failure(FailureKind.NO_SUCH_MODEL, message))
        else:
            body = openai_chat.write_model(name, self._worker.started)
            connection.respond(200, [JSON, *self.cors_headers(request)], body)

    def _serves(self, model: str, caller: Key) -> bool:
        asked = Asked(model, key=caller.id, app=caller.app, team=caller.team, scope=caller.routes)
        return self._worker.serving.router.route(asked) is not None

    def _healthz(self, request: Request, connection: ServerConnection) -> None:
        connection.respond(200, [TEXT], b"ok\n")

    def _readyz(self, request: Request, connection: ServerConnection) -> None:
        if self._worker.is_ready:
            connection.respond(200, [TEXT], b"ready\n")
        else:
            connection.respond(503, [TEXT], b"draining\n" if self._worker.is_draining else b"waiting for keys\n")

    def _preflight(self, request: Request, connection: ServerConnection, methods: dict[bytes, Answer]) -> None:
        headers = self.cors_headers(request)
        if headers:
            asked = request.get(b"access-control-request-headers")
            headers.append((b"access-control-allow-methods", CORS_METHODS))
            headers.append((b"access-control-max-age", b"600"))
            if asked:
                headers.append((b"access-control-allow-headers", asked))
        allowed = b", ".join(sorted(methods))
        connection.respond(204, [(b"allow", allowed + b", OPTIONS"), *headers], b"")
