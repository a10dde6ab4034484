"""Code in fences that doesn't compile. Nothing is ever run: Python and JSON are parsed, all else is left alone."""

import ast
import re
import warnings
from collections.abc import Callable

import msgspec

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, bad

LONGEST = 200_000

_FENCE = re.compile(r"[ \t]*(?:```|~~~)[ \t]*([\w+-]*)")
_SESSION = re.compile(r"^[ \t]*(?:>>> |[!%]\w)", re.MULTILINE)
"""What was typed into a shell of Python's or a notebook, with what that said: no program."""


def _python(text: str) -> None:
    if _SESSION.search(text):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(text)


def _json(text: str) -> None:
    msgspec.json.decode(text)


PARSERS: dict[str, Callable[[str], None]] = {"python": _python, "py": _python, "python3": _python, "json": _json}


def check(case: Case) -> Found:
    known = [(name, text) for name, text in fenced(case.candidate.text[:LONGEST]) if name in PARSERS]
    if not known:
        return NOT_APPLICABLE
    for name, text in known:
        problem = _problem(name, text)
        if problem:
            return bad(f"its {name} does not compile: {problem}")
    return GOOD


def fenced(text: str) -> list[tuple[str, str]]:
    """What stands between fences, with the language that is named there. What no fence ends is no block: it may have
    been cut off."""
    blocks: list[tuple[str, str]] = []
    name: str | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if name is None and fence:
            name, lines = fence[1].lower(), []
        elif name is not None and fence and not line[fence.end(1) :].strip() and not fence[1]:
            blocks.append((name, "".join(lines)))
            name = None
        else:
            lines.append(f"{line}\n")
    return blocks


def _problem(name: str, text: str) -> str | None:
    try:
        PARSERS[name](_dedented(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError, msgspec.DecodeError) as error:
        return str(error)[:100] or type(error).__name__
    return None


def _dedented(text: str) -> str:
    """A fence within a list is indented as a whole."""
    # No other ends of lines: a string may hold those.
    lines = text.split("\n")
    margins = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return "\n".join(line[margin:] for line in lines)
