"""A configuration as text, for files that are made for people to read on: one line for each thing, comments kept."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*")
_DURATION_OR_SHARE = re.compile(r"[0-9]+(ms|s|m|h|%)")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.]+")


class Written(msgspec.Struct, frozen=True):
    """What goes into the file. `notes` stand above the entry of that name, each on a line of its own."""

    providers: Mapping[str, Mapping[str, Any]]
    targets: Mapping[str, Mapping[str, Any]]
    routes: Iterable[Mapping[str, Any]]
    head: Iterable[str] = ()
    notes: Mapping[str, Iterable[str]] = {}
    settings: Mapping[str, Any] = {}


def text_of(written: Written) -> str:
    """The file. What is empty is left out."""
    lines = [*_comments(written.head)]
    for key, value in written.settings.items():
        lines += ["", *_comments(written.notes.get(key, ())), f"{key}: {flow(value)}"]
    for section, entries in (("providers", written.providers), ("targets", written.targets)):
        lines += ["", *_comments(written.notes.get(section, ())), f"{section}:"]
        for name, entry in entries.items():
            lines += [f"  {line}" for line in _comments(written.notes.get(f"{section}.{name}", ()))]
            lines.append(f"  {flow(name)}: {flow(entry)}")
    lines += ["", *_comments(written.notes.get("routes", ())), "routes:"]
    for route in written.routes:
        lines += [f"  {line}" for line in _comments(written.notes.get(f"routes.{route['name']}", ()))]
        lines.append(f"  - {flow(route)}")
    return "\n".join(lines).lstrip("\n") + "\n"


def flow(value: Any) -> str:
    """A value on one line, in quotes where YAML would take it for something else."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML
        return value if is_plain or _DURATION_OR_SHARE.fullmatch(value) else json.dumps(value)
    return str(value)


def name_from(text: str, taken: Iterable[str] = ()) -> str:
    """A name for what is called that elsewhere, differing from those that are taken."""
    name = _NOT_IN_NAMES.sub("-", text).strip("-._")[:56] or "it"
    known = set(taken)
    return next(found for number in range(1, len(known) + 2) if (found := _numbered(name, number)) not in known)


def exactly(model: str) -> str:
    """A pattern that only this model matches, `*` left as it is."""
    return re.sub(r"[\[?]", r"[\g<0>]", model)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _comments(lines: Iterable[str]) -> list[str]:
    return [f"# {line}".rstrip() for line in lines]
