"""Which path is what: exchanges, models lists, health, CORS, and a clear 404 for the rest.

Decides on the raw path as it was sent, never on a rebuilt URL. Whatever goes wrong is said in the dialect of the path.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import EMBEDDINGS
from earthward.dialects.ollama import Offer
from earthward.gateway import google_verbs, stored_paths, straight
from earthward.gateway.callers import Caller, caller_of
from earthward.gateway.doors import BESIDE, DOORS, door_at
from earthward.gateway.doors.door import Door, Headers
from earthward.gateway.doors.gemini import ANYWHERE as GEMINI
from earthward.gateway.feedback import PATH as FEEDBACK
from earthward.gateway.feedback import FeedbackPath
from earthward.gateway.introduction import introduction
from earthward.gateway.lists import LISTS, Shelf, door_of_list, offer_of
from earthward.gateway.not_here import not_here
from earthward.gateway.ready import PATH as READY_MODEL
from earthward.gateway.ready import asked_model, readiness
from earthward.http.head import by_name
from earthward.http.server import Request, ServerConnection
from earthward.routing.match import Asked

if TYPE_CHECKING:
    from earthward.gateway.worker import Worker

Answer = Callable[[Request, ServerConnection], None]
TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON = (b"content-type", b"application/json")
CORS_METHODS = b"GET, POST, DELETE, OPTIONS"
REFUSALS = {
    **dict.fromkeys((413, 414, 431), FailureKind.TOO_LARGE),
    500: FailureKind.INTERNAL,
    503: FailureKind.OVERLOADED,
}
"""What the statuses mean with which http/ refuses; the others are bad requests."""
PATHLESS = "there was no path: with `vertexai=True` give Google's SDK a `project` and a `location`, or an `api_key`"
ALIVE = b"Earthward is running\n"
_ONLY_GOOGLE_S = (b"/v1/projects/", b"/v1/publishers/", b"/v1alpha/")
"""What paths of Google's begin with beside the Gemini API's own."""


class Surface:
    """The data plane's paths for one worker."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._given = FeedbackPath(worker)
        self._paths: dict[bytes, dict[bytes, Answer]] = {
            **{path: {b"POST": self._exchange} for path in (*DOORS, *BESIDE)},
            FEEDBACK: {b"POST": self._feedback},
            b"/healthz": {b"GET": self._healthz},
            b"/readyz": {b"GET": self._readyz},
            # What Ollama's command line asks for before anything else.
            b"/": {b"GET": self._alive, b"POST": self._nowhere},
        }
        for listed in LISTS:
            if not listed.is_beginning:
                self._paths.setdefault(listed.path, {})[listed.method] = self._list

    def answer(self, request: Request, connection: ServerConnection) -> None:
        """Sends the request where its path and method belong."""
        methods = self._paths.get(request.path)
        if methods is not None and request.method in methods:
            methods[request.method](request, connection)
        else:
            self._answer_other(request, connection, methods or self._methods(request))

    def _answer_other(
        self, request: Request, connection: ServerConnection, methods: dict[bytes, Answer] | None
    ) -> None:
        method = b"GET" if request.method == b"HEAD" else request.method
        if methods is None:
            unknown = google_verbs.unknown_verb(request.method, request.path)
            self.fail(request, connection, unknown or Failure(FailureKind.NO_SUCH_PATH, not_here(request.path)))
        elif method in methods:
            methods[method](request, connection)
        elif request.method == b"OPTIONS":
            self._preflight(request, connection, methods)
        else:
            allowed = ", ".join(sorted(name.decode() for name in methods))
            failure = Failure(FailureKind.METHOD_NOT_ALLOWED, f"this path takes {allowed}")
            self.fail(request, connection, failure, [(b"allow", allowed.encode())])

    def _methods(self, request: Request) -> dict[bytes, Answer] | None:
        methods = self._paths.get(request.path)
        if methods is not None:
            return methods
        if door_at(request.path, request.query) is not None:
            return {b"POST": self._exchange}
        if request.method != b"OPTIONS" and google_verbs.is_asked(request.method, request.path):
            return None
        if request.path.startswith(READY_MODEL):
            return {b"GET": self._readyz}
        if kept := stored_paths.methods_of(request.path):
            return dict.fromkeys(kept, self._stored)
        return {b"GET": self._list} if any(listed.serves(request) for listed in LISTS) else None

    def fail(
        self, request: Request, connection: ServerConnection, failure: Failure, headers: Headers | None = None
    ) -> None:
        status, own, body = door_of(request).write_failure(failure, None)
        connection.respond(status, [*own, *(headers or []), *self.cors_headers(request)], body)

    def turned_away(self, request: Request) -> tuple[int, Headers, bytes] | None:
        """The answer to a stranger whose body need not be waited for; None for everybody else."""
        if self._methods(request) is None:
            return None
        door = door_of(request)
        introduced = introduction(self._worker, door, request)
        if not isinstance(introduced, Failure):
            return None
        status, headers, body = door.write_failure(introduced, None)
        return status, [*headers, *self.cors_headers(request)], body

    def _foreign(self, request: Request) -> Failure | None:
        """An open gateway takes no orders from web pages it was not told of."""
        if self._worker.serving.snapshot.auth != "open" or request.get(b"origin") is None or self.cors_headers(request):
            return None
        message = "this origin is not allowed: name it under `cors`, or have callers show keys (`auth: keys`)"
        return Failure(FailureKind.FORBIDDEN, message)

    def error_body(self, status: int, reason: str, path: bytes) -> tuple[bytes, bytes]:
        """The body for a request that http/ refused before it got here."""
        failure = Failure(REFUSALS.get(status, FailureKind.BAD_REQUEST), reason)
        _, _, body = _door_by_path(path).write_failure(failure, None)
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
        door = DOORS.get(request.path) or door_of(request)
        failure = self._foreign(request) or straight.admit(self._worker, door, request, connection)
        if failure is not None:
            self.fail(request, connection, failure)

    def _feedback(self, request: Request, connection: ServerConnection) -> None:
        failure = self._foreign(request)
        if failure is not None:
            self.fail(request, connection, failure)
        else:
            self._given.answer(request, connection)

    def _stored(self, request: Request, connection: ServerConnection) -> None:
        failure = self._foreign(request)
        if failure is not None:
            self.fail(request, connection, failure)
        else:
            stored_paths.serve(self._worker, request, connection)

    def _list(self, request: Request, connection: ServerConnection) -> None:
        door = door_of(request)
        listed = next(listed for listed in LISTS if listed.serves(request) and listed.door is door)
        caller = caller_of(self._worker, by_name(request.headers), door)
        if isinstance(caller, Failure) and listed.needs_key:
            self.fail(request, connection, caller)
            return
        body = listed.write(request, self._shelf(caller))
        if isinstance(body, Failure):
            self.fail(request, connection, body)
        else:
            connection.respond(200, [JSON, *self.cors_headers(request)], body)

    def _shelf(self, caller: Caller | Failure) -> Shelf:
        worker = self._worker
        if isinstance(caller, Failure):
            return Shelf((), lambda model: False, worker.started, Offer)
        router, key = worker.serving.router, caller.key

        def serves(model: str) -> bool:
            asked = Asked(model, key=key.id, app=key.app, team=key.team, scope=key.routes)
            return router.route(asked) is not None

        def offer(model: str) -> Offer:
            asked = Asked(model, key=key.id, app=key.app, team=key.team, scope=key.routes)
            routes = (router.route(asked), router.route(asked._replace(needs=frozenset({EMBEDDINGS}))))
            return offer_of(model, *(route for route in routes if route is not None), targets=router.targets)

        return Shelf([name for name in worker.serving.offered if serves(name)], serves, worker.started, offer)

    def _healthz(self, request: Request, connection: ServerConnection) -> None:
        connection.respond(200, [TEXT], b"ok\n")

    def _nowhere(self, request: Request, connection: ServerConnection) -> None:
        """Google's SDK asks so when it is set to Vertex AI and a base URL, and told neither project nor key."""
        status, headers, body = GEMINI.write_failure(Failure(FailureKind.BAD_REQUEST, PATHLESS), None)
        connection.respond(status, [*headers, *self.cors_headers(request)], body)

    def _alive(self, request: Request, connection: ServerConnection) -> None:
        connection.respond(200, [TEXT], ALIVE)

    def _readyz(self, request: Request, connection: ServerConnection) -> None:
        model = asked_model(request)
        if self._worker.is_ready and model is not None:
            status, text = readiness(self._worker.serving, model)
            connection.respond(status, [TEXT], text)
        elif self._worker.is_ready:
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


def door_of(request: Request) -> Door:
    """Whose dialect the caller speaks: the path's, and where two vendors share one, as the headers tell."""
    if google_verbs.is_asked(request.method, request.path):
        return door_at(request.path, request.query) or GEMINI
    return door_at(request.path, request.query) or door_of_list(request) or _door_by_headers(request)


def _door_by_headers(request: Request) -> Door:
    """At a path that is nobody's: several vendors have some of the same name."""
    if request.get(b"anthropic-version") is not None:
        return DOORS[b"/v1/messages"]
    if request.get(b"x-goog-api-client") is not None or request.get(b"x-goog-api-key") is not None:
        return GEMINI
    return _door_by_path(request.path)


def _door_by_path(path: bytes) -> Door:
    if path.startswith(_ONLY_GOOGLE_S):
        return GEMINI
    near = (door for door in (*BESIDE.values(), *DOORS.values(), GEMINI) if path.startswith(door.family))
    return next(near, DOORS[b"/v1/chat/completions"])
