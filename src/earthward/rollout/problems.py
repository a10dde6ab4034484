"""What is wrong with a plan: where, and what to write instead. All problems are collected before any is told."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

Path = tuple[str | int, ...]

LONGEST_SHOWN = 60


class PlanProblem(msgspec.Struct, frozen=True):
    """`path` leads from the plan's outside to the value that is wrong."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.message}" if self.path else f"the plan {self.message}"


class PlanErrors(Exception):
    """A plan that is refused, with every problem found."""

    def __init__(self, problems: Sequence[PlanProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class Reader:
    """Reads values one by one and notes what is wrong with each."""

    def __init__(self) -> None:
        self.problems: list[PlanProblem] = []

    def note(self, path: Path, message: str) -> None:
        self.problems.append(PlanProblem(path, message))

    def unknown(self, what: str, name: str, known: Iterable[str], path: Path) -> None:
        """Notes a name that is not known, with the nearest one and all there are."""
        self.note(path, f"names an unknown {what} `{shown(name)}`{nearest(name, known)} Known: {', '.join(known)}")

    def known_keys(self, given: Mapping[Any, Any], known: Iterable[str], what: str, path: Path) -> bool:
        strange = [key for key in given if key not in known]
        for key in strange:
            self.unknown(what, str(key), known, (*path, str(key)))
        return not strange

    def value(
        self, given: Mapping[str, Any], key: str, read: Callable[[object], Any], path: Path, otherwise: Any
    ) -> Any:
        """The value at a key, or `otherwise` where there is none or where it is wrong, which is noted."""
        if key not in given:
            return otherwise
        try:
            return read(given[key])
        except ValueError as error:
            self.note((*path, key), f"{error}; not `{shown(str(given[key]))}`")
            return otherwise


def nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:LONGEST_SHOWN].lower(), list(known), n=1)
    return f", did you mean `{near[0]}`?" if near else "."


def dotted(path: Path) -> str:
    """As in `stages[1].hold`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def shown(text: str) -> str:
    """Short, and on one line."""
    short = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
    return short.encode("unicode_escape").decode("ascii")
