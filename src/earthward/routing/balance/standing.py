"""What a worker knows of one endpoint: what it measured itself, what the prober told, and what it has set going since.

A report is a moment old, so what the worker sent meanwhile is laid over it: a model whose load was set going counts as
being loaded, one that has answered counts as loaded, until a later report tells more.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from earthward.config.snapshot import Shown
from earthward.routing import health as healths
from earthward.routing.balance.measure import Failing, Mean, Peak
from earthward.routing.balance.view import Endpoint, Out, Resident, suffices
from earthward.routing.health import Health

UNTOLD_LOAD = 15.0
"""Seconds a load is taken to last where neither a measurement nor the model's size tells."""
BYTES_PER_SECOND = 1e9
"""What a load reads, where only the model's size is known: a common solid-state disk's half."""
LATE_LOADS, SLACK = 2, 5.0
"""A load that another worker told of is believed in for so many times as long as one takes, and some seconds more; then
it has failed, or the host was loaded otherwise since."""
LONGEST_LOAD = 300.0
"""Seconds after which a load that was set going is no longer believed in: Ollama gives up then, too."""


class Report(msgspec.Struct, frozen=True, array_like=True):
    """What the prober found at an endpoint, `at` seconds of the clock that all processes share.

    `residents` is None where it could not be told, as of servers that hold one model for ever. `sizes` are the bytes
    of installed models, None where that was not asked; `remote` names those among them that the host sends on to a
    cloud, whatever they are called; `digests` say which weights each name stands for. `problem` says why the endpoint
    did not answer; it `is_down` if it did not several times in a row. `shown` is what it shows of the models
    that targets name.
    """

    at: float
    residents: tuple[Resident, ...] | None = None
    sizes: tuple[tuple[str, int], ...] | None = None
    version: str = ""
    problem: str = ""
    is_down: bool = False
    remote: tuple[str, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()
    shown: tuple[Shown, ...] = ()


def full_name(model: str) -> str:
    """The name under which Ollama lists a model: with its tag, `latest` if it was named without one."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


class Load(NamedTuple):
    """When it was set going, or over, and with how much context (0: not known)."""

    at: float
    context: int = 0

    def is_in(self, found: dict[str, Resident], model: str) -> bool:
        """Whether a report shows it: where the model is there with less, that is a load before this one."""
        resident = found.get(model)
        return resident is not None and (not resident.context or resident.context >= self.context)


class Standing:
    """One endpoint as one worker knows it. Models go by their full names; health by milliseconds of the same clock."""

    __slots__ = (
        "_failing",
        "_first",
        "_loaded",
        "_loads",
        "_peak",
        "_report",
        "_residents",
        "_room",
        "_sizes",
        "_started",
        "_whole",
        "health",
        "is_down",
        "is_draining",
        "remote",
    )

    def __init__(self) -> None:
        self.health: Health = healths.WELL
        self.is_draining = False
        self.is_down = False
        self.remote: frozenset[str] = frozenset()
        self._first = Mean()
        self._peak = Peak()
        self._whole = Mean()
        self._failing = Failing()
        self._report: Report | None = None
        self._residents: dict[str, Resident] = {}
        self._room: int | None = None
        self._sizes: dict[str, int] | None = None
        self._loads: dict[str, float] = {}
        self._started: dict[str, Load] = {}
        self._loaded: dict[str, Load] = {}

    # -- what happens ----------------------------------------------------------------------------------------------

    def heard(self, report: Report, now: float) -> None:
        """Takes a report in. One that could not be made leaves what was known of models."""
        self._hear_whether_down(report.is_down, now)
        if report.sizes is not None:
            self._sizes = dict(report.sizes)
            self.remote = frozenset(report.remote)
        if report.residents is None:
            return
        found = {resident.model: resident for resident in report.residents}
        before = self._report
        if before is not None and before.residents is not None:
            self._learn_room({resident.model for resident in before.residents}, found)
        self._report = report
        self._residents = found
        self._loaded = {
            model: load for model, load in self._loaded.items() if load.at > report.at and not load.is_in(found, model)
        }
        self._started = {
            model: load
            for model, load in self._started.items()
            if now - load.at < LONGEST_LOAD and not (load.at < report.at and load.is_in(found, model))
        }

    def _hear_whether_down(self, is_down: bool, now: float) -> None:
        """One that is up again begins with a little: whoever restarts a host has emptied its caches."""
        if self.is_down and not is_down:
            self.health = Health(0, max(1, self.health.times), 0, int(now * 1000))
        self.is_down = is_down

    def _learn_room(self, before: set[str], found: dict[str, Resident]) -> None:
        """A host that put one model out for another holds no more than it holds now."""
        came, went = found.keys() - before, before - found.keys()
        if came and went:
            self._room = max(len(found), 1)
        elif self._room is not None and len(found) > self._room:
            self._room = len(found)

    def sent(self, model: str, now: float, context: int = 0, most: int = 0) -> bool:
        """A request for this model goes there. Whether it sets a load going."""
        if self._report is None or self.context_for(model, context, most) is not None:
            return False
        self._started[model] = Load(now, context)
        return True

    def heard_of_load(self, model: str, context: int, at: float, now: float) -> None:
        """Somebody else has set a load of the model going there, with so much context: requests may join it."""
        load = Load(at, context)
        if load.is_in(self._residents, model) or now - at > LATE_LOADS * self.load_seconds(model) + SLACK:
            return
        known = self._started.get(model) or self._loaded.get(model)
        if self._report is not None and (known is None or known.context < context):
            self._started[model] = load

    def context_for(self, model: str, wanted: int, most: int = 0) -> int | None:
        """With how much context the model answers without a load of its own, 0 if that is not known; None if none."""
        under_way = self._started.get(model) or self._loaded.get(model)
        if under_way is not None:
            context = under_way.context
        elif model in self._residents:
            context = self._residents[model].context
        else:
            return None
        return context if suffices(context, wanted, most) else None

    def answered(self, model: str, first: float, now: float, *, load: float | None = None, context: int = 0) -> None:
        """The first content came after `first` seconds. `load` is how many of them were a load, None if not told;
        `context` how much the request was sent with."""
        started = self._over(model, context)
        if started is not None:
            self._loaded[model] = started._replace(at=now)
            self._learn_load(model, load if load is not None else now - started.at)
        elif load:
            self._learn_load(model, load)
        else:
            self._first.add(first)
        self._peak.add(first, now)

    def _learn_load(self, model: str, seconds: float) -> None:
        known = self._loads.get(model)
        self._loads[model] = seconds if known is None else known + 0.3 * (seconds - known)

    def load_ended(self, model: str, now: float, context: int = 0, *, went_well: bool) -> None:
        """A load that was set going is over, whoever asked for it."""
        started = self._over(model, context)
        if started is not None and went_well:
            self._loaded[model] = started._replace(at=now)
            self._learn_load(model, now - started.at)

    def ended(self, model: str, seconds: float, now: float, context: int = 0) -> None:
        """A request went well and held its slot for so long. One whose answer came whole tells of its load only now."""
        started = self._over(model, context)
        if started is not None:
            self._loaded[model] = started._replace(at=now)
        else:
            self._whole.add(seconds)
        self._failing.add(False, now)

    def _over(self, model: str, context: int) -> Load | None:
        """The load that ends with a request that was sent with so much context (0: not known), taken off; not one that
        was set going for more, while the request was served as the model was loaded before."""
        started = self._started.get(model)
        if started is None or 0 < context < started.context:
            return None
        return self._started.pop(model)

    def forgive(self) -> None:
        """It was out and is well again: what it did before that counts no more."""
        self._failing = Failing()

    def failed(self, model: str, now: float, context: int = 0) -> None:
        """A request failed: a load that it may have set going is in doubt."""
        self._over(model, context)
        self._failing.add(True, now)

    # -- what it amounts to ----------------------------------------------------------------------------------------

    @property
    def residents(self) -> Sequence[str]:
        """The models it holds, as far as is known."""
        return [*self._residents, *(model for model in self._loaded if model not in self._residents)]

    @property
    def whole(self) -> float:
        """Seconds that a request holds a slot, in the mean; 0 if not known."""
        return self._whole.value

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be said against it: it never failed lately, and takes requests."""
        return self.health is healths.WELL and not (self.is_down or self.is_draining)

    def has_at_hand(self, model: str, context: int = 0, most: int = 0) -> bool:
        """Whether, as far as is known, it answers for the model itself, and without a load that the request would set
        going."""
        if model in self.remote:
            return False
        return self._report is None or self.context_for(model, context, most) is not None

    def holds(self, model: str) -> bool:
        return model in self._residents or model in self._loaded or model in self._started

    def has_ready(self, model: str, context: int, milliseconds: int, most: int = 0) -> bool:
        """Whether it would answer for this model, with so much context, without a load; as one does that tells nothing
        of loads."""
        if self.out(milliseconds):
            return False
        if self._report is None:
            return True
        return model not in self._started and self.context_for(model, context, most) is not None

    def load_seconds(self, model: str) -> float:
        known = self._loads.get(model)
        if known is not None:
            return known
        size = self._sizes.get(model) if self._sizes else None
        return size / BYTES_PER_SECOND if size else UNTOLD_LOAD

    def view(
        self, place: int, slots: int, model: str, in_flight: int, now: float, context: int = 0, most: int = 0
    ) -> Endpoint:
        """How it looks for a request for this model, with so much context."""
        milliseconds = int(now * 1000)
        loading, blocked = self._under_way(model, now, context, most) if self._started else (None, 0.0)
        loaded = self._loaded.get(model)
        resident = self._residents.get(model) if loaded is None else Resident(model, loaded.context)
        return Endpoint(
            place,
            in_flight,
            slots,
            self._first.value,
            self._peak.at(now),
            self._whole.value,
            self._failing.at(now),
            healths.ramp(self.health, milliseconds),
            self.out(milliseconds) or ("lacks the model" if resident is None and self._lacks(model) else ""),
            healths.state(self.health, milliseconds) == "trial",
            self._report is not None,
            resident,
            loading,
            blocked,
            self.load_seconds(model),
            len(self.residents),
            self._room,
        )

    def out(self, milliseconds: int) -> Out:
        if self.is_draining or self.is_down:
            return "draining" if self.is_draining else "down"
        return "ejected" if healths.state(self.health, milliseconds) == "out" else ""

    def _lacks(self, model: str) -> bool:
        """Whether it is known not to have the model on its disk. Those that run in Ollama's cloud need none."""
        return self._sizes is not None and model not in self._sizes and not model.endswith("cloud")

    def _under_way(self, model: str, now: float, context: int, most: int) -> tuple[float | None, float]:
        """Seconds until the load of this model is over, None if none is under way that gives it context enough, and of
        loads before a new one.

        Hosts load one model at a time, in the order in which they were asked.
        """
        end = float("-inf")
        for started, load in self._started.items():
            if now - load.at >= LONGEST_LOAD:
                continue
            end = max(end, load.at - now) + self.load_seconds(started)
            if started == model and suffices(load.context, context, most):
                # However long it was thought to take, it is not over.
                return max(end, 0.1), 0.0
        return None, max(end, 0.0)
