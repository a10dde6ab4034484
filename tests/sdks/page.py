"""The table as a page: what each SDK could do with each target, and what the gateway refused, and why."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from sdks.client import SDKS, TESTS, Sdk
from sdks.features import FEATURES, Feature, Pair, RefusedByGateway
from sdks.world import TARGETS, Target, World

PAGE = TESTS.parent / "docs" / "reference" / "sdk-matrix.md"
NOTHING = "–"

HEAD = """\
# Which SDKs work with which targets

`make sdk-matrix` writes this page from a run, and the tests hold two cells in five to be so, of every pair. Each of the
vendors' own SDKs calls the gateway as it would call its vendor, and each time a target of another kind answers:
simulated vendors, and a real model (SmolLM2-135M in llama.cpp) that the gateway reaches by OpenAI's API, by
Anthropic's, and by Ollama's from a second gateway in front of it. In each pair of the same dialect bytes pass through;
the others are translated.

- **passed**: the SDK did it, and the target was sent what was meant.
- **refused**: the gateway said no before anything was sent, with the reason below.
- **–**: there is nothing to ask for. A real model has no overload to order, and this one no thoughts. OpenAI's
  responses know no stop sequences, and at such a target they are left out and named in `x-earthward-dropped`. Vertex AI
  lists no models to these SDKs. Anthropic's SDKs ask for no vectors, OpenAI's chats and Ollama's SDKs for no counts,
  and only OpenAI's responses are stored.

OpenAI's chat API counts thoughts and shows none, so there `reasoning` is about the count. Ollama knows no limit but
what was paid for, and Anthropic's SDKs raise that as status 402. Its own SDKs have one class for all errors, and no
word for an answer that ends in calls. A caller who leaves ends the answer upstream within a second. Vectors come from a
model for vectors of the same vendor. Counts are the target's own; at Azure and Ollama, which have none, an estimate
that is marked as one. Responses are stored by the gateway, whoever answers: a conversation goes on from them whole and
streamed, they are fetched, and deleted.
"""


class Outcome(NamedTuple):
    """`why` is the reason of a refusal, or what failed."""

    verdict: Literal["passed", "refused", "failed"]
    why: str = ""


Cell = tuple[Sdk, Target, Feature]
CELLS: tuple[Cell, ...] = tuple(
    (sdk, target, feature)
    for sdk in SDKS
    for target in TARGETS
    for feature in FEATURES
    if (feature.of_real or not target.is_real) and not {sdk.name, target.name} & feature.nothing_for
)


ALWAYS = frozenset({"stream, by the SDK's helper", "tool results in a second turn", "stored responses"})
EVERY = 3
TRIED: tuple[Cell, ...] = tuple(
    cell
    for cell in CELLS
    if cell[2].name in ALWAYS or (SDKS.index(cell[0]) + TARGETS.index(cell[1]) + FEATURES.index(cell[2])) % EVERY == 0
)
"""The cells that the tests hold to be so: the hardest of each pair, and of the others one in three, each feature with
each SDK and with each target. `make sdk-matrix` tries all."""


def outcome(world: World, cell: Cell) -> Outcome:
    """What comes of it. Raises what the feature raises where it fails."""
    sdk, target, feature = cell
    try:
        feature.check(Pair(world, sdk, target))
    except RefusedByGateway as refused:
        return Outcome("refused", str(refused))
    return Outcome("passed")


def written(outcomes: Mapping[Cell, Outcome]) -> str:
    reasons = sorted({told.why for told in outcomes.values() if told.verdict == "refused"})
    lines = [HEAD]
    for sdk in SDKS:
        lines += [f"## {sdk.package} {version_of(sdk)}".rstrip(), "", *_table(sdk, outcomes, reasons), ""]
    lines += ["## Reasons", "", *(f"{number}. {reason}" for number, reason in enumerate(reasons, 1))]
    return "\n".join(lines) + "\n"


def _table(sdk: Sdk, outcomes: Mapping[Cell, Outcome], reasons: list[str]) -> Iterable[str]:
    yield _row("", *(target.about for target in TARGETS))
    yield _row(*["---"] * (len(TARGETS) + 1))
    for feature in FEATURES:
        cells = (outcomes.get((sdk, target, feature)) for target in TARGETS)
        yield _row(feature.name, *(_shown(cell, reasons) for cell in cells))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(told: Outcome | None, reasons: list[str]) -> str:
    if told is None:
        return NOTHING
    return f"refused ({reasons.index(told.why) + 1})" if told.verdict == "refused" else told.verdict


@cache
def read(page: str) -> dict[Cell, Outcome]:
    """The outcomes that a page tells."""
    reasons = dict(re.findall(r"^(\d+)\. (.*)$", page, re.MULTILINE))
    found: dict[Cell, Outcome] = {}
    for sdk, section in zip(SDKS, page.split("\n## ")[1:], strict=False):
        rows = {row[0]: row[1:] for line in section.splitlines() if (row := _cells(line))}
        for feature in FEATURES:
            for target, cell in zip(TARGETS, rows.get(feature.name, ()), strict=False):
                if cell != NOTHING:
                    verdict, _, number = cell.partition(" (")
                    found[sdk, target, feature] = Outcome(verdict, reasons.get(number.rstrip(")"), ""))  # type: ignore[arg-type]
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def version_of(sdk: Sdk) -> str:
    """As locked, where the name does not say it."""
    package = sdk.package.split("`")[1]
    if Path(sdk.command[1]).suffix == ".mjs":
        return str(json.loads((TESTS / "js" / "package.json").read_text())["dependencies"][package])
    if sdk.name.endswith("-2025"):
        return ""
    lock = (TESTS.parent / "requirements-dev.lock").read_text()
    (version,) = re.findall(rf"^{package}==(\S+)", lock, re.MULTILINE)
    return str(version)
