"""What is wrong with a configuration: where, and what to do. Never holds a value that may be a secret."""

import difflib
from collections.abc import Iterable, Sequence

import msgspec

MOST_SHOWN = 200


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
    near = difflib.get_close_matches(name[:MOST_SHOWN].lower(), names, n=1)
    meant = f"; did you mean `{near[0]}`?" if near else "."
    listed = ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")
    return f"unknown {what} `{shown(name)}`{meant} Known: {listed}"


def shown(text: str) -> str:
    """Short, and on one line."""
    return (text if len(text) <= 60 else text[:57] + "...").encode("unicode_escape").decode("ascii")
