"""`earthward report`: what the migration has brought so far, for those who decide about it."""

import os
import shutil
import subprocess
import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from earthward.cli.output import NOT_ENOUGH_EVIDENCE, WRONG_USE, fail, print_json
from earthward.config.load import money_of
from earthward.config.money import Money
from earthward.config.problems import ConfigErrors
from earthward.control.rollout_files import HISTORY, RolloutFiles
from earthward.gateway.state import State
from earthward.report.build import figures
from earthward.report.figures import day_of
from earthward.report.moves import Row
from earthward.report.render import html, markdown
from earthward.rollout.metrics import METRICS
from earthward.rollout.state import Finding, Transition
from earthward.store.location import CONFIG, location
from earthward.store.report import answers, bounds
from earthward.store.tables import StoreUnusable
from earthward.store.tables import open as open_store

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DAY = 1440
NANO = 10**9
PATIENCE = 120
ROLLOUTS = ("rollouts", "earthward rollout status ROUTE --json")


def report(
    file: Annotated[Path, typer.Argument(help="Where to; .html, .md or .pdf.")] = Path("report.html"),
    since: Annotated[str | None, typer.Option(help="The first day, UTC; by default the first on record.")] = None,
    until: Annotated[str | None, typer.Option(help="The day behind the last one, UTC.")] = None,
    title: Annotated[str, typer.Option(help="What stands above it.")] = "From the cloud to our own models",
    capex: Annotated[str | None, typer.Option(help="Dollars paid for machines, for break-even.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="By default earthward.yaml.")] = None,
    store: Annotated[str | None, typer.Option(help="The store's URL instead of the configured one.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and write no file.")] = False,
) -> None:
    """Write a report for stakeholders: savings, break-even, quality, privacy, energy, and the next step.

    One HTML file that needs nothing else, or Markdown; PDF where Chromium is installed. Exit status 3 if nothing is
    on record.
    """
    form = file.suffix.lower()
    if form not in (".html", ".htm", ".md", ".pdf"):
        fail(f"{file}: a report is .html, .md or .pdf")
    spent = _dollars(capex)
    money = _money(config)
    try:
        where = location(config, store, None)
        engine = open_store(where.store, make=False)
    except (ConfigErrors, StoreUnusable) as problem:
        fail(f"{problem}; name the configuration with -c or the store with --store")
    except SQLAlchemyError as error:
        fail(f"the store can't be read: {getattr(error, 'orig', None) or error}")
    try:
        known = bounds(engine)
        if known is None:
            fail("nothing is booked yet; a running gateway books within a second", NOT_ENOUGH_EVIDENCE)
        first = _minutes(since, "--since") if since else known[0]
        end = _minutes(until, "--until") if until else known[1] + DAY
        if first >= end:
            fail(f"there are no days from {day_of(first)} until {day_of(end)}")
        found = answers(engine, first, end)
    finally:
        engine.dispose()
    carbon = {name: it.power.carbon for name, it in money.own_costs.items() if it.power.carbon is not None}
    rows = {name: it.rows for name, it in found.items()}
    now = int(datetime.now(UTC).timestamp()) // 60
    of = figures(rows, first=first, end=end, now=now, capex=spent, carbon=carbon, history=_history(where.state))
    if json:
        print_json({"figures": of, "queries": {name: it.query for name, it in found.items()}})
        return
    queries = [(name, it.query) for name, it in found.items()] + [ROLLOUTS]
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    render = markdown if form == ".md" else html
    text = render(of, queries, title=title, made=made)
    if form == ".pdf":
        _print_pdf(text, file)
    else:
        _write(file, text.encode())
    print(f"{file}: {of.first} to {of.last}, {of.requests:,} requests")


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all; for its owner only, since it tells what a company pays."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            out.write(data)
        partial.replace(file)
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}")
    finally:
        partial.unlink(missing_ok=True)


def _print_pdf(text: str, file: Path) -> None:
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        fail(f"a PDF needs Chromium, and there is none ({', '.join(BROWSERS)}); write .html and print that")
    with tempfile.TemporaryDirectory(prefix="earthward-report-") as folder:
        page, pdf = Path(folder) / "report.html", Path(folder) / "report.pdf"
        page.write_text(text, encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
        command += ["--no-pdf-header-footer", f"--print-to-pdf={pdf}", page.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
            _write(file, pdf.read_bytes())
        except (subprocess.SubprocessError, OSError):
            fail(f"{browser} made no PDF; write .html and print that", WRONG_USE)


def _money(config: Path | None) -> Money:
    try:
        return money_of(config or CONFIG) if config or CONFIG.exists() else Money()
    except ConfigErrors as errors:
        fail(str(errors))


def _history(state: Path) -> list[Row]:
    """Of all rollouts there were."""
    folder = State(state).rollouts
    names = sorted(path.name.removesuffix(HISTORY) for path in folder.glob(f"*{HISTORY}"))
    return [_row(name, it) for name in names for it in RolloutFiles(folder, name).history()]


def _row(route: str, moved: Transition) -> Row:
    findings = [
        (it.metric, it.verdict, it.baseline, it.baseline_bad, it.candidate, it.candidate_bad, _score(it))
        for it in moved.evidence
    ]
    return route, moved.t, moved.before, moved.after, moved.share, moved.by, moved.why, findings


def _score(of: Finding) -> float | None:
    metric = METRICS.get(of.metric)
    return of.mean if metric is not None and metric.kind == "pairs" else None


def _dollars(text: str | None) -> int | None:
    try:
        amount = None if text is None else Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if amount is not None and not (amount.is_finite() and amount > 0):
        fail(f"--capex takes dollars above zero; not {text!r}")
    return None if amount is None else round(amount * NANO)


def _minutes(text: str, option: str) -> int:
    try:
        return (date.fromisoformat(text) - date(1970, 1, 1)) // timedelta(minutes=1)
    except ValueError:
        fail(f"{option} takes a day, as 2026-03-01; not {text!r}")
