"""Code in fences that doesn't compile. Nothing is ever run: Python and JSON are parsed, all else is left alone."""

import ast
import re
import warnings
from collections.abc import Callable

import msgspec

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, bad

LONGEST = 200_000

_FENCE = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)^[ \t]*(?:```|~~~)[ \t]*$", re.MULTILINE | re.DOTALL
)


def _python(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(text)


def _json(text: str) -> None:
    msgspec.json.decode(text)


PARSERS: dict[str, Callable[[str], None]] = {"python": _python, "py": _python, "python3": _python, "json": _json}


def check(case: Case) -> Found:
    blocks = [(name.lower(), text) for name, text in _FENCE.findall(case.candidate.text[:LONGEST])]
    known = [(name, text) for name, text in blocks if name in PARSERS]
    if not known:
        return NOT_APPLICABLE
    for name, text in known:
        problem = _problem(name, text)
        if problem:
            return bad(f"its {name} does not compile: {problem}")
    return GOOD


def _problem(name: str, text: str) -> str | None:
    try:
        PARSERS[name](_dedented(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError, msgspec.DecodeError) as error:
        return str(error)[:100] or type(error).__name__
    return None


def _dedented(text: str) -> str:
    """A fence within a list is indented as a whole."""
    lines = text.splitlines()
    margins = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return "\n".join(line[margin:] for line in lines)
