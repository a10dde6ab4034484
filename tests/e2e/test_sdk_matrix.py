"""Every official SDK with every kind of target: cells of the page as tests. As a program, tries all and prints it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from rich.console import Console
from rich.progress import track

from sdks.page import CELLS, PAGE, TRIED, Cell, Outcome, outcome, read, written
from sdks.world import GIVE_VECTORS, TARGETS, World

TOLD = PAGE.read_text()
ANEW = "`make sdk-matrix` writes the page anew"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("sdks"))
    yield world
    world.stop()


@pytest.mark.parametrize("cell", TRIED, ids=lambda cell: f"{cell[0].name}-{cell[1].name}-{cell[2].name}")
def test_what_the_page_says_is_so(world: World, cell: Cell) -> None:
    assert outcome(world, cell) == read(TOLD).get(cell), ANEW


def test_the_page_has_every_cell_and_none_that_failed() -> None:
    told = read(TOLD)
    assert set(told) == set(CELLS)
    assert not [cell for cell, each in told.items() if each.verdict == "failed"]
    assert written(told) == TOLD, ANEW


def test_every_feature_is_tried_with_every_sdk_and_with_every_target() -> None:
    assert {(sdk.name, feature.name) for sdk, _, feature in TRIED} == {(sdk.name, it.name) for sdk, _, it in CELLS}
    assert {(target.name, feature.name) for _, target, feature in TRIED} == {(it.name, f.name) for _, it, f in CELLS}
    assert {(sdk.name, target.name) for sdk, target, _ in TRIED} == {(sdk.name, it.name) for sdk, it, _ in CELLS}


def test_only_a_model_that_cannot_is_refused_anything() -> None:
    refused = [cell for cell, told in read(TOLD).items() if told.verdict == "refused"]
    given = [target.name for target in TARGETS if target.name.removeprefix("sim-") in GIVE_VECTORS]
    assert all(
        target.is_real or (feature.name == "embeddings" and target.name not in given) for _, target, feature in refused
    )
    assert all("can't do" in told.why for told in read(TOLD).values() if told.why)


def _told(world: World, cell: Cell) -> Outcome:
    try:
        return outcome(world, cell)
    except Exception as raised:  # noqa: BLE001 - whatever it is, the other cells have to be told too
        names = ", ".join(part.name for part in cell)
        sys.stderr.write(f"{names}: {type(raised).__name__} {raised}\n")
        return Outcome("failed")


def _run() -> int:
    screen = Console(stderr=True)
    with TemporaryDirectory() as folder:
        world = World(Path(folder), leaves_within=1.0)
        try:
            outcomes = {cell: _told(world, cell) for cell in track(CELLS, "SDKs and targets", console=screen)}
        finally:
            world.stop()
    sys.stdout.write(written(outcomes))
    return int(any(told.verdict == "failed" for told in outcomes.values()))


if __name__ == "__main__":
    sys.exit(_run())
