"""What a controller is told, as lines of JSON that `read_events` reads back to the same.

Figures and names alone: nothing of what users sent or got is in any of them, and units are names by a keyed hash.
"""

import msgspec

from earthward.rollout.event import WHOLE, Event
from earthward.rollout.read_events import OWN, Line, Order, Tick

OPTIONAL = ("ok", "ttft_s", "token_s", "total_s", "score", "cost", "bad", "checked")
NAMES = {kind: name for name, kind in OWN.items()}


def written(line: Line) -> bytes:
    """One line, with its end."""
    match line:
        case Event():
            told: dict[str, object] = _event(line)
        case Order():
            told = msgspec.structs.asdict(line)
        case Tick():
            told = {"t": line.t}
        case _:
            inside = {name: getattr(line, name) for name in line.__struct_fields__ if name != "t"}
            told = {"t": line.t, NAMES[type(line)]: inside}
    return msgspec.json.encode(told) + b"\n"


def _event(it: Event) -> dict[str, object]:
    told: dict[str, object] = {"t": it.t, "unit": it.unit, "arm": it.arm, "share": it.share / WHOLE}
    for name in OPTIONAL:
        value = getattr(it, name)
        if value is not None:
            told[name] = value
    if it.unmeasured:
        told["unmeasured"] = it.unmeasured
    if it.is_later:
        told["later"] = True
    return told
