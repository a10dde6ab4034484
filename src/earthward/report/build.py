"""From the queries' rows to the figures of a report. Pure: rows come in as lists."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from earthward.report.figures import (
    SERVED,
    ClassFigures,
    Figures,
    Spend,
    StageFigures,
    arms,
    day_of,
    days,
    incidents,
    next_step,
    projected,
)
from earthward.report.moves import Row, moves, standings

MILLIJOULES_A_KILOWATT_HOUR = 3.6e9
Rows = Sequence[Sequence[Any]]
OVERHEADS = {"retry": "retries", "shadow": "shadow traffic", "judge": "judges"}


def figures(
    rows: Mapping[str, Rows],
    *,
    first: int,
    end: int,
    now: int,
    capex: int | None,
    carbon: dict[str, Decimal],
    history: Sequence[Row] = (),
) -> Figures:
    """`first`, `end` and `now` are minutes since 1970; `carbon` is grams of CO₂ a kilowatt-hour by target; `history` is
    that of the rollouts."""
    moved = moves(history, first, end)
    stand = standings(moved)
    by_day = days(rows["days"])
    by_arm = arms(rows["errors"], rows["first_content"])
    totals = {row[0]: [int(it or 0) for it in row[1:]] for row in rows["totals"]}
    served = [sum(several) for several in zip(*(totals.get(name, [0] * 8) for name in SERVED), strict=True)]
    saved, unknown_saved = served[3], served[5]
    to_date = sum(int(row[0] or 0) for row in rows["to_date"])
    # Today is not over, and would stand for a day of less.
    year = projected([it.saved for it in by_day if it.day < day_of(now)])
    paid_back = None if not capex else max(0.0, to_date / capex)
    return Figures(
        first=day_of(first),
        last=day_of(end - 1),
        days=by_day,
        requests=served[0],
        saved=saved,
        saved_to_date=to_date,
        unknown_saved=unknown_saved,
        displaced=served[4],
        estimated=sum(it[6] for it in totals.values()),
        unknown_costs=sum(it[7] for it in totals.values()),
        cloud_cost=sum(it[1] for it in totals.values()),
        own_cost=sum(it[2] for it in totals.values()),
        overheads=tuple(
            Spend(OVERHEADS[name], it[0], it[1] + it[2]) for name, it in totals.items() if name in OVERHEADS
        ),
        projected=year,
        capex=capex,
        paid_back=paid_back,
        days_to_go=_days_to_go(capex, to_date, None if year is None else year.value / 365),
        arms=by_arm,
        stages=tuple(
            StageFigures(row[0], int(row[1] or 0), day_of(row[2]), day_of(row[3]), int(row[4]), int(row[5]))
            for row in rows["stages"]
        ),
        apps=tuple((row[0] or "(none)", int(row[1]), int(row[2]), int(row[3])) for row in rows["apps"]),
        incidents=incidents(by_day),
        classes=tuple(ClassFigures(row[0] or "(not said)", int(row[1]), int(row[2])) for row in rows["privacy"]),
        kilowatt_hours=_energy(rows["energy"]),
        kilograms=_carbon(rows["energy"], carbon),
        moves=moved,
        standings=stand,
        next_step=next_step(by_day, by_arm, unknown_saved, saved, stand),
    )


def _days_to_go(capex: int | None, saved: int, a_day: float | None) -> int | None:
    if capex is None or a_day is None or a_day <= 0:
        return None
    return max(0, round((capex - saved) / a_day))


def _energy(rows: Rows) -> float | None:
    total = sum(int(row[1]) for row in rows)
    return total / MILLIJOULES_A_KILOWATT_HOUR if total else None


def _carbon(rows: Rows, carbon: dict[str, Decimal]) -> float | None:
    """Kilograms; None unless the carbon of every target that took energy is known."""
    if not rows or any(row[1] and row[0] not in carbon for row in rows):
        return None
    grams = sum(int(row[1]) / MILLIJOULES_A_KILOWATT_HOUR * float(carbon[row[0]]) for row in rows if row[1])
    return grams / 1000 or None
