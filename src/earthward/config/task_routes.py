"""Routes by task, as the usual playbook for moving to local models has them: what those do well today is theirs to take
over, what needs the largest models stays in the cloud.

Callers say the task with the header `x-earthward-task`; whoever says none is not touched by these routes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec


class Task(msgspec.Struct, frozen=True):
    """`names` are the words callers may use. `goes_home`: local models are to take it over. `marks` are in the names of
    models made for it; `largest` asks for the largest of the cloud."""

    names: tuple[str, ...]
    goes_home: bool
    marks: tuple[str, ...] = ()
    largest: bool = False


PLAYBOOK = (
    Task(("code-completion",), True, ("code", "coder", "codestral", "devstral", "starcoder")),
    Task(("summarisation", "summarization"), True),
    Task(("chat",), True),
    Task(("complex-reasoning",), False, largest=True),
    Task(("creative-writing",), False, largest=True),
)
PRESETS = {"playbook": PLAYBOOK}


def task_routes(
    tasks: Sequence[Task], cloud: Sequence[str], local: Sequence[str], models: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """A route for each. `cloud` are targets of one vendor, the smallest first, `local` those in the house, the best
    first; `models` says what each target's model is called. No share moves: it is for people to raise."""
    for task in tasks:
        names = list(task.names)
        route: dict[str, Any] = {"name": names[0], "when": {"task": names if len(names) > 1 else names[0]}}
        own = _made_for(task, local, models)
        if not cloud or own is None:
            yield {**route, "use": own if own is not None else _of_cloud(task, cloud)}
        elif task.goes_home:
            today = _of_cloud(task, cloud)
            yield {**route, "baseline": today, "candidate": own, "share": "0%", "fallback": [today]}
        else:
            yield {**route, "use": _of_cloud(task, cloud)}


def _made_for(task: Task, local: Sequence[str], models: Mapping[str, str]) -> str | None:
    marked = (name for name in local if any(mark in models[name].lower() for mark in task.marks))
    return next(marked, local[0] if local else None)


def _of_cloud(task: Task, cloud: Sequence[str]) -> str:
    return cloud[-1] if task.largest else cloud[0]
