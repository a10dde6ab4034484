"""Charts as SVG, drawn of numbers alone: no text of anyone's gets in. They stretch to the width there is; words stand
around them in HTML, so that they stay legible on a phone."""

from collections.abc import Sequence
from itertools import accumulate

from markupsafe import Markup

from earthward.report.figures import Day
from earthward.report.intervals import Interval

WIDTH, HEIGHT = 600, 180
MOST_COLUMNS = 120


def curves(found: Sequence[Day]) -> Markup:
    """What it would have cost and what was paid, both summed up; what lies between is saved, or lost."""
    would = [0, *accumulate(it.would for it in found)]
    paid = [0, *accumulate(it.paid for it in found)]
    most = max(*would, *paid, 1)
    upper, lower = _points(would, most), _points(paid, most)
    area = " ".join([*upper, *reversed(lower)])
    return _svg(
        f'<polygon class="gap" points="{area}"/>'
        f'<polyline class="would" points="{" ".join(upper)}"/>'
        f'<polyline class="paid" points="{" ".join(lower)}"/>'
    )


def most_of(found: Sequence[Day]) -> int:
    """The upper end of the curves' scale."""
    return max(sum(it.would for it in found), sum(it.paid for it in found), 1)


def columns(found: Sequence[Day]) -> Markup:
    """Requests of each day: at home below, in the cloud on top of it. Many days are put together."""
    step = max(1, -(-len(found) // MOST_COLUMNS))
    groups = [found[start : start + step] for start in range(0, len(found), step)]
    sums = [(sum(it.local for it in group), sum(it.cloud for it in group)) for group in groups]
    most = max((local + cloud for local, cloud in sums), default=1) or 1
    width = WIDTH / max(1, len(sums))
    bars = []
    for number, (local, cloud) in enumerate(sums):
        x, wide = number * width, max(0.5, width * 0.82)
        low, high = local / most * HEIGHT, cloud / most * HEIGHT
        bars.append(_bar("home", x, HEIGHT - low, wide, low) + _bar("away", x, HEIGHT - low - high, wide, high))
    return _svg("".join(bars))


def most_a_day(found: Sequence[Day]) -> int:
    return max((it.local + it.cloud for it in found), default=0)


def span(of: Interval, most: float) -> Markup:
    """A dot where the value is, on a bar from the low to the high end of what it may be."""
    most = most or 1
    low, value, high = (min(1.0, max(0.0, it / most)) * WIDTH for it in (of.low, of.value, of.high))
    return Markup(  # noqa: S704  numbers only
        f'<svg class="span" viewBox="0 0 {WIDTH} 20" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" x="0" y="8" width="{WIDTH}" height="4"/>'
        f'<rect class="reach" x="{low:.1f}" y="5" width="{max(2.0, high - low):.1f}" height="10"/>'
        f'<rect class="dot" x="{max(0.0, value - 3):.1f}" y="2" width="6" height="16"/></svg>'
    )


def _points(values: Sequence[int], most: int) -> list[str]:
    step = WIDTH / max(1, len(values) - 1)
    return [f"{number * step:.1f},{HEIGHT - value / most * HEIGHT:.1f}" for number, value in enumerate(values)]


def _bar(kind: str, x: float, y: float, width: float, height: float) -> str:
    if height <= 0:
        return ""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _svg(inside: str) -> Markup:
    return Markup(  # noqa: S704  numbers only
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{inside}</svg>'
    )
