"""Which behaviour the next request gets: the default, a model's own, the queue, and what the request itself says."""

import random
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from earthward.dialects.json_limits import NOT_JSON
from earthward.simulator.behaviour import BadScript, Behaviour, behaviour, layer, unknown
from earthward.simulator.faults import FAULTS


class Queued(msgspec.Struct, forbid_unknown_fields=True):
    """A behaviour for the next requests, as many as `times` says."""

    behaviour: dict[str, Any]
    times: int = 1


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A script as it is written in a file or sent to the control API. What is absent stays as it is.

    `faults` gives the share of requests that each fault strikes, drawn from the simulator's seed.
    """

    default: dict[str, Any] | None = None
    models: dict[str, dict[str, Any]] | None = None
    queue: list[Queued] | None = None
    faults: dict[str, float] | None = None


class Script:
    """`version` counts its changes."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.version = 0
        self.reset()

    def reset(self) -> None:
        self.version += 1
        self._default: dict[str, Any] = {}
        self._models: dict[str, dict[str, Any]] = {}
        self._queue: deque[Queued] = deque()
        self._faults: dict[str, float] = {}

    @property
    def is_steady(self) -> bool:
        """Whether the same request is answered in the same way again."""
        return not self._queue and not self._faults

    def read(self, written: bytes) -> None:
        """Takes over a script in JSON; what it queues comes behind what is queued already. Raises BadScript."""
        try:
            script = msgspec.json.decode(written, type=Written)
        except NOT_JSON as problem:
            raise BadScript(str(problem)) from problem
        self.take_over(script)

    def take_over(self, script: Written) -> None:
        """All of it or, when something in it is wrong, nothing."""
        queued = script.queue or []
        for read in (script.default or {}, *(script.models or {}).values(), *(item.behaviour for item in queued)):
            checked(read)
        for name in script.faults or {}:
            _check_fault(name)
        if sum((script.faults or {}).values()) > 1:
            raise BadScript("the shares of all faults together are more than 1")
        self._default = self._default if script.default is None else script.default
        self._models = self._models if script.models is None else script.models
        self._faults = self._faults if script.faults is None else script.faults
        self._queue.extend(queued)
        self.version += 1

    def default(self, **fields: Any) -> None:
        """From now on every request is answered so, unless something else is said for it."""
        self.take_over(Written(default=fields))

    def queue(self, *behaviours: Mapping[str, Any], times: int = 1) -> None:
        """The next requests are answered so, each behaviour `times` times."""
        self.take_over(Written(queue=[Queued(dict(each), times) for each in behaviours]))

    def mix(self, **faults: float) -> None:
        self.take_over(Written(faults=faults))

    def written(self) -> Written:
        return Written(self._default, self._models, list(self._queue), self._faults)

    def for_request(self, ordinal: int, model: str, directives: Iterable[str | None]) -> Behaviour:
        """How the request with this running number is answered. Raises BadScript for what it asks itself."""
        said = [layer(each) for each in directives if each]
        queued = [self._next()] if self._queue else []
        found = checked(self._default, self._models.get(model, {}), *queued, *said)
        if self._faults and found.fault is None and not queued:
            return self._struck(found, ordinal)
        return found

    def _next(self) -> dict[str, Any]:
        first = self._queue[0]
        first.times -= 1
        if first.times <= 0:
            self._queue.popleft()
        return first.behaviour

    def _struck(self, found: Behaviour, ordinal: int) -> Behaviour:
        draw = random.Random(self.seed * 1_000_003 + ordinal).random()  # noqa: S311 - has to repeat with the seed
        for name, share in self._faults.items():
            if draw < share:
                return msgspec.structs.replace(found, fault=name)
            draw -= share
        return found


def checked(*layers: Mapping[str, Any]) -> Behaviour:
    made = behaviour(*layers)
    if made.fault is not None:
        _check_fault(made.fault)
    return made


def _check_fault(name: str) -> None:
    if name not in FAULTS:
        raise unknown("fault", name, tuple(FAULTS))


def mix(written: str) -> dict[str, float]:
    """`500:0.01,reset_mid_body:0.02` as shares. Raises BadScript."""
    shares: dict[str, float] = {}
    for each in filter(None, written.split(",")):
        name, _, share = each.partition(":")
        try:
            shares[name.strip()] = float(share)
        except ValueError as problem:
            raise BadScript(f"cannot read {each!r}: write FAULT:SHARE, such as 500:0.01") from problem
    return shares
