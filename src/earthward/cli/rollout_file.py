"""From `--plan`, which is a file or the name of a preset, to a plan, or to problems with file, line and column."""

from pathlib import Path
from typing import Any

from earthward.cli.output import fail
from earthward.config.document import Document, Mapping, parse
from earthward.config.problems import ConfigErrors, Problem
from earthward.config.problems import unknown as unknown_name
from earthward.rollout.plan import Plan
from earthward.rollout.presets import PRESETS
from earthward.rollout.problems import PlanErrors
from earthward.rollout.read_plan import plan as read_plan
from earthward.rollout.read_plan import with_own

LARGEST = 4 * 1024 * 1024


def plan_from(named: str, rollout: str | None = None) -> Plan:
    """The plan. Ends the command where there is none, with every reason."""
    path = Path(named)
    if named in PRESETS and not path.exists():
        return read_plan(named, named)
    try:
        return _read(path, rollout)
    except ConfigErrors as errors:
        fail(str(errors))
    except OSError as error:
        presets = ", ".join(PRESETS)
        fail(f"{named}: {error.strerror or error}; name a file, or one of the presets: {presets}")


def _read(path: Path, rollout: str | None) -> Plan:
    with path.open("rb") as file:
        document = parse(file.read(LARGEST + 1), str(path))
    if document.problems:
        raise ConfigErrors(document.problems)
    given: Any = document.plain(document.root)
    at: tuple[str | int, ...] = ()
    name = path.stem
    if isinstance(document.root, Mapping) and "rollouts" in document.root.entries:
        name = _chosen(document, given["rollouts"], rollout)
        at = ("rollouts", name)
        own = given.get("metrics")
        given = with_own(given["rollouts"][name], map(str, own) if isinstance(own, dict) else ())
    try:
        return read_plan(given, name, at)
    except PlanErrors as errors:
        raise ConfigErrors([_placed(document, it.path, str(it)) for it in errors.problems]) from None


def _chosen(document: Document, rollouts: object, wanted: str | None) -> str:
    """Which of the rollouts in a whole configuration is meant."""
    if not isinstance(rollouts, dict) or not rollouts:
        raise ConfigErrors([document.problem(("rollouts",), "takes rollouts by name, and has none")])
    if wanted is None and len(rollouts) > 1:
        names = ", ".join(rollouts)
        raise ConfigErrors([document.problem(("rollouts",), f"has several rollouts; choose with --rollout: {names}")])
    name = wanted if wanted is not None else next(iter(rollouts))
    if name not in rollouts:
        raise ConfigErrors([document.problem(("rollouts",), unknown_name("rollout", name, rollouts))])
    return str(name)


def _placed(document: Document, path: tuple[str | int, ...], message: str) -> Problem:
    return document.key_problem(path, message) if path else document.problem(path, message)
