"""A report as one HTML file that needs nothing else, and as Markdown. Pure: the same figures make the same bytes."""

from collections.abc import Sequence

import jinja2

from earthward.report import chart, text
from earthward.report.figures import Figures

AIR = 1.15
"""What a scale is longer than the longest thing on it."""

_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("earthward.report"),
    autoescape=jinja2.select_autoescape(["html"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    money=text.money, percent=text.percent, milliseconds=text.milliseconds, count=lambda value: f"{value:,}"
)


def html(of: Figures, queries: Sequence[tuple[str, str]], *, title: str, made: str) -> str:
    """`queries` are names and texts; `made` says when."""
    return _render("report.html", of, queries, title, made)


def markdown(of: Figures, queries: Sequence[tuple[str, str]], *, title: str, made: str) -> str:
    return _render("report.md", of, queries, _cell(title), made)


def _render(template: str, of: Figures, queries: Sequence[tuple[str, str]], title: str, made: str) -> str:
    errors = [it.errors.high for it in of.arms if it.errors]
    times = [it.ttft_p95.high for it in of.arms if it.ttft_p95]
    return _environment.get_template(template).render(
        of=of,
        queries=queries,
        title=title,
        made=made,
        chart=chart,
        headline=text.headline(of),
        caveats=text.caveats(of),
        spread=text.spread,
        words=text,
        cell=_cell,
        most_errors=max(errors, default=0.0) * AIR,
        most_time=max(times, default=0.0) * AIR,
        most_class=max((it.left + it.stayed for it in of.classes), default=0),
    )


def _cell(value: object) -> str:
    """Callers choose names, and one in a Markdown table must neither end the cell nor begin a tag or a link."""
    kept = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(value))
    for letter in "\\`*_[]<>|#":
        kept = kept.replace(letter, f"\\{letter}") if letter not in "<>" else kept
    return kept.replace("<", "&lt;").replace(">", "&gt;")
