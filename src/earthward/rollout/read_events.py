"""From lines of JSON to what the controller is told: requests, verbs, and the mere passing of time.

One object per line. A request has `t`, `unit`, `arm` and `share`, and any of `ok`, `ttft_s`, `token_s`, `total_s`,
`score`, `cost`, `bad`, `checked`, `unmeasured` and `later`. A line with a `verb` is somebody's order; one with nothing
but `t` says how late it is. The controller's own log has all three, so that it can be replayed to the same decisions.
"""

import math
import re
from typing import Any, get_args

import msgspec

from earthward.rollout.event import WHOLE, Event, EventArm
from earthward.rollout.problems import nearest, shown
from earthward.rollout.state import PAUSES, PauseReason
from earthward.rollout.verbs import VERBS, Verb

ARMS: tuple[EventArm, ...] = get_args(EventArm)
TIMES = ("ttft_s", "token_s", "total_s")
FIELDS = ("t", "unit", "arm", "share", "ok", *TIMES, "score", "cost", "bad", "checked", "unmeasured", "later")
ORDER_FIELDS = ("t", "verb", "by", "why", "reason", "stage")
LONGEST_LINE = 1024 * 1024
LONGEST_NAME = 256
GZIP = b"\x1f\x8b"
MOST_NAMES = 100

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


Line = Event | Order | Tick


class BadLine(ValueError):
    """A line that can't be read, with what to write instead."""


def line(data: bytes) -> Line:
    """What one line says. Raises BadLine."""
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
    return _event(given, t)


def _event(given: dict[str, Any], t: float) -> Event:
    _check_names(given, FIELDS)
    unit, arm = given.get("unit"), given.get("arm")
    if not isinstance(unit, str) or not 0 < len(unit) <= LONGEST_NAME:
        raise BadLine(f"has no `unit`, a text of 1 to {LONGEST_NAME} characters")
    if arm not in ARMS:
        raise BadLine(f"has `arm` {_told(arm)}; it takes baseline or candidate")
    share = _share(given)
    if share == (WHOLE if arm == "baseline" else 0):
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
