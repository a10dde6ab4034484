"""A YAML file as a tree in which everything knows its line and column.

Reads what people write in configurations: mappings, lists, text, numbers, true and false, anchors and merges. Words
such as `on` and `no` are text here, as in YAML 1.2. Everything that could be used against the reader is bounded:
size, depth, the number of nodes after aliases are followed, and tags.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from earthward.config.problems import ConfigErrors, Problem, shown
from earthward.config.syntax import syntax_problem, unreadable

LARGEST = 4 * 1024 * 1024
DEEPEST = 32
MOST_NODES = 200_000

Path = tuple[str | int, ...]


class Mark(msgspec.Struct, frozen=True):
    line: int
    column: int


class Scalar(msgspec.Struct, frozen=True):
    value: str | int | float | bool | None
    mark: Mark


class Sequence(msgspec.Struct, frozen=True):
    items: tuple["Node", ...]
    mark: Mark


class Mapping(msgspec.Struct, frozen=True):
    """`keys` are the places of the keys themselves."""

    entries: dict[str, "Node"]
    keys: dict[str, Mark]
    mark: Mark


Node = Scalar | Sequence | Mapping


class Document:
    """One file's tree, with the problems met while reading it."""

    def __init__(self, root: Node, file: str, problems: list[Problem]) -> None:
        self.root = root
        self.file = file
        self.problems = problems
        self._nodes_left = MOST_NODES

    def at(self, path: Path) -> Node | None:
        """The node at this path, or None."""
        node: Node | None = self.root
        for step in path:
            node = _child(node, step)
        return node

    def text_at(self, path: Path) -> str | None:
        """The text at this path, if text is there."""
        node = self.at(path)
        return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None

    def problem(self, path: Path, message: str) -> Problem:
        """A problem with the value at this path, or with the nearest thing around it that is there."""
        mark = self.root.mark
        node: Node | None = self.root
        for step in path:
            node = _child(node, step)
            if node is None:
                break
            mark = node.mark
        return Problem(self.file, mark.line, mark.column, message)

    def key_problem(self, path: Path, message: str) -> Problem:
        """A problem with the last key of this path, or with the item that lacks it."""
        parent = self.at(path[:-1])
        key = path[-1] if path else None
        if isinstance(parent, Mapping) and isinstance(key, str) and key in parent.keys:
            mark = parent.keys[key]
            return Problem(self.file, mark.line, mark.column, message)
        if isinstance(parent, Mapping) and len(path) > 1 and isinstance(path[-2], str):
            return self.key_problem(path[:-1], message)
        return self.problem(path, message)

    def plain(self, node: Node) -> Any:
        """The node as dicts, lists and values. Raises ConfigErrors when aliases make it too large."""
        self._nodes_left -= 1
        if self._nodes_left < 0:
            raise ConfigErrors([Problem(self.file, node.mark.line, node.mark.column, _too_many())])
        match node:
            case Scalar():
                return node.value
            case Sequence():
                return [self.plain(item) for item in node.items]
            case Mapping():
                return {key: self.plain(value) for key, value in node.entries.items()}


def parse(data: bytes, file: str) -> Document:
    """The tree of this file. Raises ConfigErrors if it can't be read as one YAML document."""
    text = _text_of(data, file)
    reader = _Reader(file)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = reader.document(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        raise ConfigErrors([*reader.problems, syntax_problem(error, text, file)]) from None
    except yaml.YAMLError as error:
        raise ConfigErrors([unreadable(file, text, error)]) from None
    return Document(root, file, reader.problems)


class _Refused(Exception):
    def __init__(self, event: Any, message: str) -> None:
        super().__init__(message)
        self.event = event


class _Reader:
    """Builds the tree from the parser's events, so that a bound is noticed as soon as it is crossed."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0

    def document(self, events: Iterator[Any]) -> Node:
        try:
            return self._document(events)
        except _Refused as refused:
            mark = _mark(refused.event)
            raise ConfigErrors([*self.problems, Problem(self.file, mark.line, mark.column, str(refused))]) from None

    def _document(self, events: Iterator[Any]) -> Node:
        next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            raise _Refused(event, "the file is empty; `earthward check --help` names the keys it takes")
        root = self._node(next(events), events, 0)
        next(events)
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _Refused(after, "a second document begins here; a configuration is one")
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _Refused(event, _too_many())
        if depth > DEEPEST:
            raise _Refused(event, f"nested deeper than {DEEPEST} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        node = self._new_node(event, events, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _aliased(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            name = shown(event.anchor)
            message = f"`*{name}` is used before `&{name}` is complete; a value that begins with `*` needs quotes"
            raise _Refused(event, message)
        return self._anchors[event.anchor]

    def _new_node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        if event.tag is not None and event.tag not in _TAGS:
            self._note(_mark(event), f"the tag `{shown(event.tag)}` is not for configurations; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(_value(event), _mark(event))
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(tuple(self._items(events, depth)), _mark(event))
        return self._mapping(event, events, depth)

    def _items(self, events: Iterator[Any], depth: int) -> Iterator[Node]:
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            yield self._node(event, events, depth + 1)

    def _mapping(self, start: Any, events: Iterator[Any], depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        merged: list[Mapping] = []
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            is_merge = isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]
            key = self._key(event, events, depth)
            value = self._node(next(events), events, depth + 1)
            if is_merge:
                merged += self._to_merge(value, _mark(event))
            elif key in keys:
                self._note(_mark(event), f"`{shown(key)}` is here twice, first in line {keys[key].line}")
            elif key is not None:
                entries[key] = value
                keys[key] = _mark(event)
        for mapping in merged:
            for key in mapping.entries.keys() - entries.keys():
                entries[key] = mapping.entries[key]
                keys[key] = mapping.keys[key]
        return Mapping(entries, keys, _mark(start))

    def _key(self, event: Any, events: Iterator[Any], depth: int) -> str | None:
        if isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None:
                self._anchors[event.anchor] = Scalar(event.value, _mark(event))
            return str(event.value)
        node = self._node(event, events, depth + 1)
        if isinstance(node, Scalar):
            return str(node.value)
        self._note(_mark(event), "a key must be text")
        return None

    def _to_merge(self, value: Node, mark: Mark) -> list[Mapping]:
        found = [value] if isinstance(value, Mapping) else list(value.items) if isinstance(value, Sequence) else []
        mappings = [node for node in found if isinstance(node, Mapping)]
        if not mappings or len(mappings) != len(found):
            self._note(mark, "`<<` merges mappings, as in `<<: *name`")
        return mappings

    def _note(self, mark: Mark, message: str) -> None:
        self.problems.append(Problem(self.file, mark.line, mark.column, message))


_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null"))
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def _value(event: Any) -> str | int | float | bool | None:
    """What YAML 1.2 takes this scalar for."""
    text: str = event.value
    if event.style or (event.tag or "").endswith(":str"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _child(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, Mapping) and isinstance(step, str):
        return node.entries.get(step)
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def _text_of(data: bytes, file: str) -> str:
    if len(data) > LARGEST:
        raise ConfigErrors([Problem(file, 0, 0, f"larger than {LARGEST // 1024 // 1024} MB: no configuration")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise ConfigErrors([Problem(file, line, column, "not UTF-8 text; save the file as UTF-8")]) from None


def _too_many() -> str:
    return f"more than {MOST_NODES} values, aliases counted each time"
