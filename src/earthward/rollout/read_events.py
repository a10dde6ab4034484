"""From lines of JSON to what the controller is told: requests, verbs, and the mere passing of time.

One object per line, as `write_events` writes them. A request has `t`, `unit`, `arm` and `share`, and any of `ok`,
`ttft_s`, `token_s`, `total_s`, `score`, `cost`, `bad`, `checked`, `unmeasured` and `later`. A line with a `verb` is
somebody's order; one with nothing but `t` says how late it is. What a gateway has on record also says by which plan it
went, that a clock was set back, and which models are tried, so that it can be replayed to the same decisions.
"""

import math
import re
from typing import Any, get_args

import msgspec

from earthward.rollout.event import WHOLE, Event, EventArm
from earthward.rollout.plan import Plan
from earthward.rollout.problems import PlanErrors, nearest, shown
from earthward.rollout.read_plan import plan
from earthward.rollout.state import PAUSES, UNDER_WAY, PauseReason, Place, Subject
from earthward.rollout.verbs import VERBS, Verb
from earthward.rollout.weights import Weights
from earthward.rollout.write_plan import as_written

ARMS: tuple[EventArm, ...] = get_args(EventArm)
TIMES = ("ttft_s", "token_s", "total_s")
FIELDS = ("t", "unit", "arm", "share", "ok", *TIMES, "score", "cost", "bad", "checked", "unmeasured", "later")
ORDER_FIELDS = ("t", "verb", "by", "why", "reason", "stage")
LONGEST_LINE = 1024 * 1024
LONGEST_NAME = 256
GZIP = b"\x1f\x8b"
MOST_NAMES = 100

_BYTE = re.compile(r"^is no JSON: .*\(byte ([0-9]+)\)$")
_NAMED = re.compile(r"^has (?:an? )?(?:unknown (?:field|verb) )?`(\w+)`")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")


class Order(msgspec.Struct, frozen=True):
    """What somebody told the rollout to do, only if it is at `stage` where one is named."""

    t: float
    verb: Verb
    by: str
    why: str
    reason: PauseReason = "manual"
    stage: str = ""


class Tick(msgspec.Struct, frozen=True):
    """It is that late now."""

    t: float


class SetBack(msgspec.Struct, frozen=True):
    """The clock was set back to that."""

    t: float


class Tried(msgspec.Struct, frozen=True):
    """What is being tried from now on."""

    t: float
    subject: Subject


class Seen(msgspec.Struct, frozen=True):
    """What hosts have by the names of both arms' models, and of the judge's."""

    t: float
    arms: Weights
    judge: Weights


class Head(msgspec.Struct, frozen=True):
    """Which plan holds from here on. At the head of a record also where the rollout stood when that began."""

    t: float
    plan: Plan
    epoch: int = 0
    place: Place = Place("pending")
    requests: int = 0
    subject: Subject = Subject()
    arms: Weights = {}
    judge: Weights = {}


Line = Event | Order | Tick | SetBack | Tried | Seen | Head
OWN: dict[str, type[SetBack | Tried | Seen | Head]] = {"set_back": SetBack, "tried": Tried, "seen": Seen, "head": Head}
"""What only a gateway writes, by the name that stands in front of it."""


class BadLine(ValueError):
    """A line that can't be read, with what to write instead. `column` counts bytes from 1."""

    column = 1


def line(data: bytes) -> Line:
    """What one line says. Raises BadLine."""
    try:
        return _read(data)
    except BadLine as problem:
        problem.column = _column(str(problem), data)
        raise


def _column(problem: str, data: bytes) -> int:
    """Where the field stands that the problem names first, or the byte at which the JSON ends to be one."""
    if found := _BYTE.search(problem):
        # Of what comes behind an object the byte is told that follows on it.
        return int(found[1]) + ("trailing" not in problem)
    if problem.endswith("truncated"):
        return len(data) + 1
    named = _NAMED.match(problem)
    return data.find(f'"{named[1]}"'.encode()) + 1 or 1 if named else 1


def _read(data: bytes) -> Line:
    if len(data) > LONGEST_LINE:
        raise BadLine(f"is longer than {LONGEST_LINE} bytes")
    if data.startswith(GZIP):
        raise BadLine("is packed by gzip; unpack it, as in `zcat FILE | earthward rollout replay -`")
    try:
        given = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadLine(f"is no JSON: {error}") from None
    if not isinstance(given, dict):
        raise BadLine("is no JSON object")
    t = _number(given, "t")
    if t is None:
        raise BadLine("has no `t`, the time in seconds")
    if "verb" in given:
        return _order(given, t)
    if len(given) == 1:
        return Tick(t)
    for name, kind in OWN.items():
        if name in given:
            return _own(given, name, kind, t)
    return _event(given, t)


def _event(given: dict[str, Any], t: float) -> Event:
    _check_names(given, FIELDS)
    unit, arm = given.get("unit"), given.get("arm")
    if not isinstance(unit, str) or not 0 < len(unit) <= LONGEST_NAME:
        raise BadLine(f"has no `unit`, a text of 1 to {LONGEST_NAME} characters")
    if arm not in ARMS:
        raise BadLine(f"has `arm` {_told(arm)}; it takes baseline or candidate")
    share = _share(given)
    if share == (WHOLE if arm == "baseline" else 0) and not _compares_alone(given):
        raise BadLine(f"says {arm}, which can't be at a share of {share / 100:g}%")
    score = _number(given, "score")
    if score is not None and not 0 <= score <= 1:
        raise BadLine(f"has a `score` of {score:g}; it takes 0 to 1, a tie being 0.5")
    times = {name: _time(given, name) for name in TIMES}
    return Event(
        t,
        unit,
        arm,
        share,
        ok=_flag(given, "ok"),
        score=score,
        cost=_number(given, "cost"),
        bad=_names(given, "bad"),
        checked=_names(given, "checked"),
        unmeasured=_names(given, "unmeasured") or (),
        is_later=bool(_flag(given, "later")),
        **times,
    )


def _compares_alone(given: dict[str, Any]) -> bool:
    """A pair has both arms' answers, so it does not matter how likely either was: in a shadow stage, not at all."""
    return given.get("later") is True and all(given.get(name) is None for name in ("ok", *TIMES, "bad", "checked"))


def _own(given: dict[str, Any], name: str, kind: type[SetBack | Tried | Seen | Head], t: float) -> Line:
    _check_names(given, ("t", name))
    if not isinstance(given[name], dict):
        raise BadLine(f"has `{name}` {_told(given[name])}; it is what a gateway writes, and no request has it")
    try:
        read = msgspec.convert({**given[name], "t": t}, kind)
        if isinstance(read, Head):
            _check_plan(read)
    except (msgspec.ValidationError, PlanErrors, ValueError) as problem:
        raise BadLine(f"has a `{name}` that no gateway wrote: {shown(str(problem))}") from None
    return read


def _check_plan(head: Head) -> None:
    """Raises PlanErrors or ValueError where nobody could have written that plan, or it has no such place."""
    plan(as_written(head.plan), head.plan.name)
    if not 0 <= head.place.stage <= len(head.plan.stages) or head.place.phase in UNDER_WAY or head.epoch < 0:
        raise ValueError("it stands nowhere where one can begin")


def _order(given: dict[str, Any], t: float) -> Order:
    verb, reason = given["verb"], given.get("reason", "manual")
    if verb not in VERBS:
        raise BadLine(f"has an unknown verb {_told(verb)}{nearest(str(verb), VERBS)} Known: {', '.join(VERBS)}")
    if reason not in PAUSES:
        raise BadLine(f"has a `reason` {_told(reason)}; it takes {', '.join(PAUSES)}")
    _check_names(given, ORDER_FIELDS)
    return Order(t, verb, _text(given, "by"), _text(given, "why"), reason, _text(given, "stage"))


def _check_names(given: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise BadLine(f"has an unknown field `{shown(name)}`{nearest(name, known)} Known: {', '.join(known)}")


def _share(given: dict[str, Any]) -> int:
    """In 1/10,000. A number is a part of 1, as in 0.05; a text a percentage, as in "5%"."""
    share = given.get("share")
    found = _PERCENT.fullmatch(share.strip()) if isinstance(share, str) else None
    part = float(found[1]) / 100 if found else share
    if not isinstance(part, int | float) or isinstance(part, bool) or not 0 <= part <= 1:
        raise BadLine(f'has `share` {_told(share)}; it takes a number from 0 to 1, as in 0.05, or a text such as "5%"')
    return round(part * WHOLE)


def _number(given: dict[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e15:
        raise BadLine(f"has `{name}` {_told(value)}; it takes a number")
    return float(value)


def _time(given: dict[str, Any], name: str) -> float | None:
    seconds = _number(given, name)
    if seconds is not None and (seconds < 0 or math.isnan(seconds)):
        raise BadLine(f"has `{name}` {seconds:g}; a time is not below 0")
    return seconds


def _flag(given: dict[str, Any], name: str) -> bool | None:
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadLine(f"has `{name}` {_told(value)}; it takes true or false")
    return value


def _names(given: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(it, str) for it in value) or len(value) > MOST_NAMES:
        raise BadLine(f"has `{name}` {_told(value)}; it takes a list of at most {MOST_NAMES} names of metrics")
    return tuple(value)


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise BadLine(f"has `{name}` {_told(value)}; it takes text")
    return value


def _told(value: object) -> str:
    return "missing" if value is None else f"`{shown(str(value))}`"
