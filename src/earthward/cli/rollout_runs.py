"""Many simulated runs, on all cores, with a bar. The same seed gives the same runs on any number of cores."""

import multiprocessing
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from rich.progress import Progress

from earthward.rollout.plan import Plan
from earthward.rollout.simulate import Run, Sums, run, summed
from earthward.rollout.worlds import World

Task = tuple[Plan, World, str, int]


def simulated(
    plan: Plan, worlds: dict[str, World], runs: int, seed: int, most_requests: int, jobs: int, progress: Progress
) -> Iterator[tuple[str, Sums]]:
    """What the runs of each scenario come to, scenario by scenario."""
    if jobs == 1:
        for name, world in worlds.items():
            bar = progress.add_task(name, total=runs)
            done = []
            for number in range(runs):
                done.append(_run((plan, world, f"{seed}/{name}/{number}", most_requests)))
                progress.advance(bar)
            yield name, summed(done)
        return
    # Not by fork: the progress bar has a thread.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        for name, world in worlds.items():
            bar = progress.add_task(name, total=runs)
            tasks = [(plan, world, f"{seed}/{name}/{number}", most_requests) for number in range(runs)]
            futures = {pool.submit(_run, task): number for number, task in enumerate(tasks)}
            results: dict[int, Run] = {}
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                progress.advance(bar)
            yield name, summed([results[number] for number in range(runs)])


def _run(task: Task) -> Run:
    plan, world, seed, most_requests = task
    return run(plan, world, random.Random(seed), most_requests)  # noqa: S311
