"""What is packed by template is what packing the whole entry gives."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from earthward.chat import Count, Usage
from earthward.ledger import template
from earthward.ledger.record import Attempt, Opened, Record, Settled
from earthward.store.frames import packed

TEXT = st.text(max_size=300)
NUMBER = st.integers(0, 2**63)
OPENED = Opened("", 0, 0, "r", "only", 7, "", "k", "a", "t", "m", "d", "t", "e", "s")
RECORD = Record("", 0, "ok", dialect="d", path="/" * 40, route="r" * 300, stage=1000, snapshot="s", http_status=200)


@given(TEXT, NUMBER, TEXT)
def test_an_opened_entry(name: str, at: int, unit: str) -> None:
    constants = template.opened(OPENED, ("id", "at", "unit"))
    filled = template.filled((constants[0], name, constants[1], at, constants[2], unit, constants[3]))
    whole = Opened(name, 0, at, "r", "only", 7, unit, "k", "a", "t", "m", "d", "t", "e", "s")
    assert filled == packed(whole)


@given(TEXT, NUMBER, st.none() | TEXT, st.none() | NUMBER)
def test_a_settled_entry(name: str, number: int, reason: str | None, cost: int | None) -> None:
    usage = Usage(Count.reported(number))
    attempts = (Attempt(name, "e", "w", number, usage=usage, cost=cost),)
    values: dict[str, Any] = {
        "id": name,
        "queued": number,
        "attempts": attempts,
        "finish_reason": reason,
        "usage": usage,
        "cost": cost,
    }
    others = ("characters_in", "characters_out")
    values |= dict.fromkeys(others, number)
    varying = tuple(field for field in Record.__struct_fields__ if field in values)
    first, *constants = template.settled(RECORD, varying)
    parts = [part for field, constant in zip(varying, constants, strict=True) for part in (values[field], constant)]
    fields: dict[str, Any] = {field: values.get(field, getattr(RECORD, field)) for field in Record.__struct_fields__}
    assert template.filled((first, *parts)) == packed(Settled(Record(**fields)))
