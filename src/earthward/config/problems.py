"""What is wrong with a configuration: where, and what to do. Never holds a value that may be a secret."""

import difflib
from collections.abc import Iterable, Sequence

import msgspec

MOST_SHOWN = 200
MOST_NAMES = 30
LONGEST_SHOWN = 60


class Problem(msgspec.Struct, frozen=True, order=True):
    """Lines and columns count from 1; 0 is the file as a whole."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class ConfigErrors(Exception):
    """A configuration that is refused, with every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        if len(self.problems) > MOST_SHOWN:
            lines.append(f"... and {len(self.problems) - MOST_SHOWN} more")
        return "\n".join(lines)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that is not known: the nearest one, and all there are."""
    names = sorted(known)
    if not names:
        return f"unknown {what} `{shown(name)}`: there is none"
    listed = ", ".join(names[:MOST_NAMES])
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"unknown {what} `{shown(name)}`{meant(name, names) or '.'} Known: {listed}{more}"


def meant(name: str, known: Iterable[str]) -> str:
    """A question after the nearest of the known names, or nothing if none is near."""
    near = difflib.get_close_matches(name[:LONGEST_SHOWN].lower(), list(known), n=1)
    return f", did you mean `{near[0]}`?" if near else ""


def shown(text: str) -> str:
    """Short, and on one line."""
    return (
        (text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")
        .encode("unicode_escape")
        .decode("ascii")
    )
