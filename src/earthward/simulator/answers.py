"""What the simulator answers to a request: a pure decision but for the script's queue, which it uses up.

Benchmarks send the same few requests again and again; what such a request means is worked out once.
"""

import time
from collections.abc import Iterable, Iterator
from hashlib import sha256

import msgspec

from earthward.dialects.json_limits import excess, is_utf8
from earthward.http.server import Request
from earthward.simulator.behaviour import MOST_TOKENS, BadScript, Behaviour
from earthward.simulator.draft import Asked, Draft, draft
from earthward.simulator.models import Model, Offer
from earthward.simulator.schemas import BadSchema
from earthward.simulator.script import Script
from earthward.simulator.steps import Headers, Problem, Step, Whole
from earthward.simulator.vendors.vendor import Made, Vendor

_REMEMBERED = 512
_LARGEST = 16 * 1024
_NO_JSON = b"{"
"""Stands for a body that is no text: what a vendor says to both is the same."""


class Understood(msgspec.Struct, frozen=True):
    """A request and its answer, but for what differs each time: id, time and stamps."""

    asked: Asked
    model: Model
    behaviour: Behaviour
    draft: Draft
    headers: Headers


class Answers:
    """`keys` are the credentials that are good; without any, all are."""

    def __init__(self, script: Script, offer: Offer, keys: Iterable[str], seed: int) -> None:
        self._script = script
        self._offer = offer
        self._keys = frozenset(keys)
        self._seed = seed
        self._version = self._now()
        self._remembered: dict[tuple[bytes, bytes, bytes | None], Understood] = {}

    def to(self, vendor: Vendor, request: Request, ordinal: int) -> Made | Whole | Problem | Iterator[Step]:
        """The answer to a request with this running number, or what is wrong with it."""
        if (problem := vendor.refused(request, self._keys)) is not None:
            return problem
        if (too_much := excess(request.body)) is not None:
            return Problem(400, f"The body has {too_much}.")
        if not is_utf8(request.body):
            request = msgspec.structs.replace(request, body=_NO_JSON)
        if request.path not in vendor.asks or request.method != b"POST":
            return vendor.about(request, self._offer) or vendor.no_path(request.method, request.path)
        understood = self._understood(vendor, request, ordinal)
        if isinstance(understood, Problem):
            return understood
        answer_id, created = self.id(ordinal), int(time.time())
        return Made(
            asked=understood.asked,
            draft=understood.draft,
            behaviour=understood.behaviour,
            model=understood.model,
            id=answer_id,
            seed=self._seed,
            created=created,
            headers=vendor.head(answer_id, created) + understood.headers,
            clock=time.monotonic_ns,
        )

    def id(self, ordinal: int) -> str:
        """The same for the same seed and order of requests."""
        return f"{self._seed & 0xFFFFFFFF:08x}{ordinal:016x}"

    def _now(self) -> tuple[int, int]:
        """What holds for all requests: when it changes, nothing remembered does."""
        return self._script.version, self._offer.machine.version

    def _understood(self, vendor: Vendor, request: Request, ordinal: int) -> Understood | Problem:
        said = request.get(b"x-sim")
        if self._version != self._now():
            self._version = self._now()
            self._remembered.clear()
        # Asked for beforehand: working it out may use up the last of the queue.
        if not self._script.is_steady or len(request.body) > _LARGEST:
            return self._work_out(vendor, request, said, ordinal)
        at = vendor.at(request)
        known = self._remembered.get((at, request.body, said))
        if known is not None:
            return known
        understood = self._work_out(vendor, request, said, ordinal)
        if isinstance(understood, Understood):
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[at, request.body, said] = understood
        return understood

    def _work_out(self, vendor: Vendor, request: Request, said: bytes | None, ordinal: int) -> Understood | Problem:
        asked = vendor.read(vendor.at(request), request.body, sha256(request.body).hexdigest())
        if isinstance(asked, Problem):
            return asked
        model = vendor.find(self._offer, asked.model)
        if model is None:
            return vendor.no_model(asked.model)
        asked = vendor.fits(asked, model, self._offer)
        if isinstance(asked, Problem):
            return asked
        directives = (*asked.directives, said.decode("latin-1") if said else None)
        try:
            behaviour = self._script.for_request(ordinal, model.name, directives)
            if behaviour.tokens * asked.answers > MOST_TOKENS:
                raise BadScript(f"{asked.answers} answers of {behaviour.tokens} tokens are more than {MOST_TOKENS}")
        except BadScript as problem:
            return Problem(400, str(problem), code="bad_script")
        try:
            drawn = draft(asked, behaviour, self._seed)
        except BadSchema as problem:
            return Problem(400, f"Invalid schema: {problem}", code="invalid_json_schema")
        headers = [(name.encode(), value.encode()) for name, value in behaviour.headers.items()]
        return Understood(asked, model, behaviour, drawn, headers)
