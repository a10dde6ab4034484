"""The formats that are known: each a file here with a `FORMAT`. The first that matches reads a file."""

import importlib
import pkgutil

from earthward.assess.normal import Format
from earthward.assess.source import Source, Unreadable

NEARLY = 0.7
"""The share of a format's columns from which on a file is taken for one of that format with something missing."""


def formats() -> list[Format]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    found: list[Format] = [importlib.import_module(f"{__name__}.{name}").FORMAT for name in names]
    # What is recognised by few columns comes last.
    return sorted(found, key=lambda it: -len(it.required))


def format_of(source: Source) -> Format:
    """Raises Unreadable with the columns that are missing, or those that are there."""
    known = formats()
    found = next((it for it in known if it.is_of(source)), None)
    if found is not None:
        return found
    nearest = max(known, key=lambda it: _nearness(it, source))
    if _nearness(nearest, source) >= NEARLY:
        missing = ", ".join(f"`{name}`" for name in nearest.missing(source))
        raise Unreadable(f"{source.path}:1: looks like {nearest.title}, but has no column {missing}")
    there = ", ".join(f"`{name}`" for name in source.columns[:12]) or "nothing with a name"
    raise Unreadable(
        f"{source.path}:1: is of no format that is known; it has {there}. Say what is what: "
        "--map time=COLUMN,model=COLUMN,input=COLUMN,output=COLUMN"
    )


def _nearness(it: Format, source: Source) -> float:
    if len(it.required) < 3:
        return 0.0
    return 1 - len(it.missing(source)) / len(it.required)
