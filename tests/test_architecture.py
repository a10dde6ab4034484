"""Which folder may import which, read from the imports.

A folder above the line decides and never waits: no event loop, no sockets, no database, no clock, no chance, no
processes. Times, draws and ids come to it as arguments. `config.snapshot` is named by itself: it is what folders share
that must know nothing of how configurations are read.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

SRC = Path(__file__).parent.parent / "src"
PACKAGE = "earthward"

ABOVE_THE_LINE: dict[str, set[str]] = {
    "chat": set(),
    "config.snapshot": set(),
    "dialects": {"chat"},
    "providers": {"chat", "dialects", "config.snapshot"},
    "ledger": {"chat"},
    "cost": {"chat", "config.snapshot"},
    "config": {
        "chat",
        "cost",
        "dialects",
        "providers",
        "config.snapshot",
        "rollout",
        "routing.balance",
        "routing.egress",
    },
    "routing": {"chat", "config.snapshot", "ledger"},
    "privacy": {"chat", "config.snapshot"},
    "rollout": {"chat", "config.snapshot", "ledger"},
    "quality": {"chat", "config.snapshot"},
    "sizing": {"chat", "cost", "config.snapshot"},
    "report": {"ledger"},
    "audit": {"chat", "config.snapshot", "ledger"},
    "deploy": {"chat", "config", "sizing"},
}
BELOW_THE_LINE: dict[str, set[str]] = {
    "http": {"chat", "config.snapshot"},
    "engine": {"chat"},
    "probe": {"chat", "config.secrets", "config.snapshot", "dialects", "http", "providers"},
    "fleet": {"chat", "config.snapshot", "dialects", "http", "providers", "routing"},
    "simulator": {"chat", "config.snapshot", "cost", "dialects", "http"},
    "assess": {"config.snapshot", "cost", "dialects", "ledger"},
    "store": {"chat", "config", "ledger"},
    "gateway": {*ABOVE_THE_LINE, "fleet", "http", "probe", "store.digest", "store.spool"},
    "control": {*ABOVE_THE_LINE, "fleet", "gateway", "http", "probe", "store"},
    "bench": {*ABOVE_THE_LINE, "assess", "control", "engine", "gateway", "http", "probe", "simulator", "store"},
    "web": {*ABOVE_THE_LINE, "control", "store"},
}
TABLE: dict[str, set[str]] = {
    **ABOVE_THE_LINE,
    **BELOW_THE_LINE,
    "cli": {*ABOVE_THE_LINE, *BELOW_THE_LINE},
    # The package itself, and `python -m earthward`.
    "": {"cli"},
}
WAITING = frozenset(
    {
        *("asyncio", "anyio", "trio", "uvloop", "selectors", "select", "sched", "signal"),
        *("socket", "socketserver", "ssl", "http", "httptools", "httpx", "urllib3", "requests", "aiohttp"),
        *("fastapi", "uvicorn", "sqlite3", "sqlalchemy", "alembic", "psycopg", "duckdb"),
        *("time", "random", "secrets", "uuid"),
        *("threading", "multiprocessing", "concurrent", "subprocess"),
    }
)
ASKED = {"datetime": {"now", "utcnow", "today"}, "date": {"today"}, "os": {"urandom", "getrandom", "times"}}
"""What asks a clock, or draws, of modules and classes that may be used for all else."""
BY_NAME = frozenset({"import_module", "__import__"})
"""What imports by a text."""
FOUND_WHEN_RUN = {
    "earthward.providers": "each file of its own folder, since a provider is one file",
    "earthward.routing.balance": "each file of its own folder, since a policy is one file",
}
"""Modules above the line that import by a name which no reader knows, and why they may."""


class Import(NamedTuple):
    """`name` is dotted and absolute. `is_at_start`: not within a function, nor for a type checker only."""

    module: str
    name: str
    line: int
    is_for_types: bool
    is_at_start: bool


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name, the package itself as `earthward`."""
    found = {}
    for path in sorted((SRC / PACKAGE).rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(module: str, path: Path) -> Iterator[Import]:
    for node, is_for_types, is_in_function in walk(ast.parse(path.read_text(), str(path))):
        for name in names_in(node, module, path):
            yield Import(module, name, node.lineno, is_for_types, not is_for_types and not is_in_function)


def names_in(node: ast.stmt | ast.Call, module: str, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from filter(None, [named_in(node)])
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        around = module.split(".") + ([""] if path.name == "__init__.py" else [])
        base = ".".join([*(around[: -node.level] if node.level else []), *([node.module] if node.module else [])])
        for alias in node.names:
            whole = f"{base}.{alias.name}"
            yield whole if whole in MODULES else base


def named_in(call: ast.Call) -> str | None:
    """What is imported by a call: an absolute name that stands there as a text."""
    is_import = word(call.func) in BY_NAME and call.args and isinstance(call.args[0], ast.Constant)
    name = call.args[0].value if is_import else None
    return name if isinstance(name, str) and not name.startswith(".") else None


def word(node: ast.AST) -> object:
    match node:
        case ast.Name(word) | ast.Attribute(_, word) | ast.Constant(word):
            return word
    return None


def unreadable(path: Path) -> Iterator[int]:
    """Lines that import by a name which does not stand there, or make it possible under another word."""
    tree = ast.parse(path.read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    readable = {id(call.func) for call in calls if named_in(call) is not None}
    for node in ast.walk(tree):
        renamed = isinstance(node, ast.alias) and node.name in BY_NAME and node.asname not in (None, node.name)
        if renamed or (word(node) in BY_NAME and id(node) not in readable):
            yield node.lineno


def walk(
    node: ast.AST, for_types: bool = False, in_function: bool = False
) -> Iterator[tuple[ast.stmt | ast.Call, bool, bool]]:
    """Every statement and call, and whether it stands under `if TYPE_CHECKING`, and in a function."""
    if isinstance(node, ast.stmt | ast.Call):
        yield node, for_types, in_function
    in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for child in ast.iter_child_nodes(node):
        guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and child in node.body
        yield from walk(child, for_types or guarded, in_function)


IMPORTS = [found for module, path in MODULES.items() for found in imports_of(module, path)]
OURS = [found for found in IMPORTS if found.name.split(".")[0] == PACKAGE]


def folder_of(name: str) -> str:
    """The entry of the table that a module of ours falls under: the longest one that leads to it."""
    inner = name.split(".")[1:]
    dotted = [".".join(inner[:length]) for length in range(len(inner), 0, -1)]
    return next((entry for entry in dotted if entry in TABLE), inner[0] if len(inner) > 1 else "")


def may_import(module: str, name: str) -> bool:
    source = folder_of(module)
    if name.split(".")[1:2] == module.split(".")[1:2] and source not in ("", "config.snapshot"):
        return True
    allowed = TABLE[source] | {source}
    inner = name.split(".")[1:]
    return not inner or any(".".join(inner[:length]) in allowed for length in range(1, len(inner) + 1))


def where(found: Import) -> str:
    return f"{MODULES[found.module].relative_to(SRC.parent)}:{found.line}"


def test_every_folder_is_in_the_table() -> None:
    folders = {path.parent.name for path in (SRC / PACKAGE).glob("*/__init__.py")}
    folders |= {path.name for path in (SRC / PACKAGE).iterdir() if path.is_dir() and any(path.glob("*.py"))}
    unknown = sorted(folders - TABLE.keys())
    assert not unknown, f"add {', '.join(unknown)} to the table in {Path(__file__).name}, and say what it may import"


def test_imports_follow_the_table() -> None:
    wrong = [
        f"{where(found)}: {folder_of(found.module) or 'the package'} may not import {found.name}; "
        f"it may import {', '.join(sorted(TABLE[folder_of(found.module)])) or 'nothing of ours'}"
        for found in OURS
        if not may_import(found.module, found.name)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_decides_never_waits() -> None:
    wrong = [
        f"{where(found)}: {found.name} is for folders below the line; take what you need as an argument"
        for found in IMPORTS
        if folder_of(found.module) in ABOVE_THE_LINE and found.name.split(".")[0] in WAITING
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_decides_says_what_it_imports() -> None:
    found = {
        module: [f"{path.relative_to(SRC.parent)}:{line}" for line in unreadable(path)]
        for module, path in MODULES.items()
        if folder_of(module) in ABOVE_THE_LINE
    }
    wrong = [line for module, lines in found.items() for line in lines if module not in FOUND_WHEN_RUN]
    assert not wrong, "import by a name that stands there, or say in FOUND_WHEN_RUN why not:\n" + "\n".join(wrong)
    assert all(found[module] for module in FOUND_WHEN_RUN), "what is excused no longer needs it"


@pytest.mark.parametrize(
    "line",
    [
        'importlib.import_module("time")',
        'def late(): return import_module("time").time()',
        '__import__("time")',
        'builtins.__import__("time", level=0)',
    ],
)
def test_an_import_by_name_is_one_as_well(tmp_path: Path, line: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(line)
    assert [found.name for found in imports_of("earthward.chat.module", path)] == ["time"]
    assert not list(unreadable(path))


@pytest.mark.parametrize(
    "line",
    [
        'importlib.import_module("ti" + "me")',
        'import_module(f"{name}")',
        'import_module(".time", __name__)',
        'import_module(name="time")',
        "load = importlib.import_module",
        "from importlib import import_module as load",
        'load = __builtins__["__import__"]',
        'getattr(importlib, "import_module")(name)',
    ],
)
def test_an_import_by_a_name_that_does_not_stand_there_is_seen(tmp_path: Path, line: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(line)
    assert list(unreadable(path)) == [1]


def test_what_decides_asks_no_clock_and_draws_nothing() -> None:
    wrong = []
    for module, path in MODULES.items():
        if folder_of(module) in ABOVE_THE_LINE:
            wrong += [
                f"{path.relative_to(SRC.parent)}:{line}: take times and draws as arguments" for line in asking(path)
            ]
    assert not wrong, "\n" + "\n".join(wrong)


def asking(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if node.attr in ASKED.get(owner, ()):
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and ASKED.get(node.module or "", set()) & {it.name for it in node.names}:
            yield node.lineno


def test_the_table_has_no_cycle() -> None:
    inner = {entry: {other for other in allowed if other in TABLE} for entry, allowed in TABLE.items()}
    for allowed in inner.values():
        allowed.discard("")
    try:
        TopologicalSorter(inner).prepare()
    except CycleError as error:
        pytest.fail(f"the table runs in a circle: {' -> '.join(error.args[1])}")


def test_no_imports_run_in_a_circle() -> None:
    """Imports within functions count: they are how circles are hidden. What only a type checker sees does not."""
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in OURS:
        if not found.is_for_types and found.name in MODULES and found.name != found.module:
            graph[found.module].add(found.name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports run in a circle: {' -> '.join(error.args[1])}")


def test_nothing_imports_the_command_line_or_the_dashboard() -> None:
    wrong = [
        f"{where(found)}: imports {found.name}"
        for found in OURS
        for edge in ("cli", "web")
        if folder_of(found.name) == edge and folder_of(found.module) not in (edge, "cli", "")
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_a_worker_loads_no_database_and_no_configuration_reader() -> None:
    """Followed through all that a worker imports when it starts, imports within functions left aside."""
    seen: set[str] = set()
    ahead = ["earthward.gateway.worker"]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += [found.name for found in IMPORTS if found.module == name and found.is_at_start]
    heavy = {name.split(".")[0] for name in seen} & {
        "sqlalchemy",
        "sqlite3",
        "alembic",
        "pydantic",
        "yaml",
        "genai_prices",
    }
    assert not heavy, f"a worker would load {', '.join(sorted(heavy))}"
