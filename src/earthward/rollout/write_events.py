"""What a controller is told, as lines of JSON that `read_events` reads back to the same.

Figures and names alone: nothing of what users sent or got is in any of them, and units are names by a keyed hash.
"""

import msgspec

from earthward.rollout.event import WHOLE, Event, EventArm
from earthward.rollout.read_events import OWN, Line, Order, Tick

NAMES = {kind: name for name, kind in OWN.items()}

_encode = msgspec.json.Encoder().encode


class _Request(msgspec.Struct, omit_defaults=True):
    """An event as a line has it; each of a busy gateway comes by here, so this is encoded whole."""

    t: float
    unit: str
    arm: EventArm
    share: float
    ok: bool | None = None
    ttft_s: float | None = None
    token_s: float | None = None
    total_s: float | None = None
    score: float | None = None
    cost: float | None = None
    bad: tuple[str, ...] | None = None
    checked: tuple[str, ...] | None = None
    unmeasured: tuple[str, ...] = ()
    later: bool = False


def written(line: Line) -> bytes:
    """One line, with its end."""
    if isinstance(line, Event):
        return _encode(_request(line)) + b"\n"
    match line:
        case Order():
            told: dict[str, object] = msgspec.structs.asdict(line)
        case Tick():
            told = {"t": line.t}
        case _:
            inside = {name: getattr(line, name) for name in line.__struct_fields__ if name != "t"}
            told = {"t": line.t, NAMES[type(line)]: inside}
    return _encode(told) + b"\n"


def _request(it: Event) -> _Request:
    return _Request(
        it.t,
        it.unit,
        it.arm,
        it.share / WHOLE,
        it.ok,
        it.ttft_s,
        it.token_s,
        it.total_s,
        it.score,
        it.cost,
        it.bad,
        it.checked,
        it.unmeasured,
        it.is_later,
    )
