from typing import Any

from earthward.report.build import figures
from earthward.report.figures import Figures

DAY = 1440
SUMS = (10, 100, 0, 280, 3, 0, 0, 0)
NAMES = ("days", "totals", "to_date", "apps", "stages", "privacy", "energy", "errors", "first_content")


def built(now: int = 100 * DAY, **rows: list[tuple[Any, ...]]) -> Figures:
    given = {name: rows.get(name, []) for name in NAMES}
    return figures(given, first=0, end=20 * DAY, now=now, capex=1000, carbon={})


def test_drills_answer_callers_and_no_day_saves_other_than_the_whole() -> None:
    days = [(0, "local", purpose, 10, 100, 0, 380, 280, 0) for purpose in ("serve", "drill")]
    found = built(days=days, totals=[("serve", *SUMS), ("drill", *SUMS), ("shadow", 5, 9, 0, 0, 0, 0, 0, 0)])
    assert (found.requests, found.saved) == (20, 560)
    assert sum(it.saved for it in found.days) == found.saved
    assert found.days[0].local == 20
    assert [(it.name, it.cost) for it in found.overheads] == [("shadow traffic", 9)]


def test_what_was_bought_is_earned_back_by_all_days_and_not_only_by_those_shown() -> None:
    found = built(totals=[("serve", *SUMS)], to_date=[(750,)])
    assert (found.saved, found.saved_to_date, found.paid_back) == (280, 750, 0.75)


def test_a_day_that_is_not_over_projects_nothing() -> None:
    days = [(day * DAY, "local", "serve", 10, 0, 0, 70, 0 if day == 7 else 70, 0) for day in range(8)]
    found = built(days=days, now=7 * DAY + 30)
    assert found.projected is not None
    assert found.projected.value == 70 * 365
