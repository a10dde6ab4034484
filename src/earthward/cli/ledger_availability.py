"""What `earthward ledger availability` reads and prints."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from earthward.cli.output import fail
from earthward.config.problems import ConfigErrors
from earthward.ledger.availability import Availability, Of
from earthward.store.location import CONFIG


def stated_in(config: Path | None, store: str | None) -> dict[tuple[Of, str], float]:
    """The objectives that the configuration states. A store that is named alone needs none."""
    if config is None and (store is not None or not CONFIG.exists()):
        return {}
    from earthward.config.load import load

    try:
        found = load(config or CONFIG)
    except ConfigErrors as problem:
        fail(str(problem))
    routes: dict[tuple[Of, str], float | None] = {("route", it.name): it.objective for it in found.routes}
    targets: dict[tuple[Of, str], float | None] = {("target", name): it.objective for name, it in found.targets.items()}
    return {place: share for place, share in {**routes, **targets}.items() if share is not None}


def objective_of(written: str) -> float:
    """`99.5%` as a share; ends the command where it is none."""
    try:
        share = float(written.removesuffix("%")) / 100
    except ValueError:
        fail(f"--objective takes a percentage, such as 99.5%; not {written!r}")
    if not 0 < share < 1:
        fail(f"--objective takes more than 0% and less than 100%; not {written!r}")
    return share


def table(found: list[Availability], days: int) -> Table:
    shown = Table(title=f"Availability in the last {days} days", title_justify="left")
    for heading in ("", "name", "requests", "failed", "availability", "objective", "error budget left"):
        shown.add_column(heading, justify="left" if heading in ("", "name") else "right")
    for it in found:
        name = "".join(letter if letter.isprintable() else "\ufffd" for letter in it.name)
        left = Text(f"{it.budget_left:.0%}", "green" if it.is_kept else "red")
        figures = f"{it.requests:,}", f"{it.failed:,}", f"{it.availability:.3%}", f"{it.objective * 100:g}%"
        shown.add_row(it.of, Text(name), *figures, left)
    return shown
