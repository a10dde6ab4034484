"""Runs experiments on all cores, with a bar."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from earthward.bench.rollout.experiments import Experiment, Result

CHUNK = 4

Results = dict[str, list[Result]]


def measured(chosen: dict[str, Experiment], seed: int, jobs: int, *, short: bool) -> Results:
    """All results, in the order of their seeds: the same on any number of cores."""
    runs = {name: it.short if short else it.runs for name, it in chosen.items()}
    chunks = [
        (name, range(first, min(first + CHUNK, runs[name]))) for name in chosen for first in range(0, runs[name], CHUNK)
    ]
    results: Results = {name: [] for name in chosen}
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool, _progress() as progress:
        bar = progress.add_task("simulating", total=sum(runs.values()))
        work = [(chosen[name].work, [f"{seed}/{name}/{number}" for number in numbers]) for name, numbers in chunks]
        for (name, numbers), part in zip(chunks, pool.map(_run, work), strict=True):
            results[name] += part
            progress.update(bar, advance=len(numbers), description=name)
    return results


def _run(work: tuple[Callable[[str], Result], list[str]]) -> list[Result]:
    function, seeds = work
    return [function(seed) for seed in seeds]


def _progress() -> Progress:
    screen = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)
