"""The page on what breaks when applications move to Ollama, and what becomes of it with the gateway."""

from importlib import import_module
from importlib.util import find_spec

from earthward.cli.markdown import page, table

Gotcha = tuple[int, str, str, str]
"""Its number, what people meet, what Earthward does about it (or why it does nothing), and the tests that show it,
parted by spaces: `tests/folder/test_file.py::test_name`. No test: it is not handled."""

KEPT_IN = ("earthward.dialects.gotchas", "earthward.fleet.gotchas")


def all_gotchas() -> list[Gotcha]:
    """By number, wherever they are kept."""
    kept = [import_module(name).GOTCHAS for name in KEPT_IN if find_spec(name) is not None]
    return sorted(gotcha for gotchas in kept for gotcha in gotchas)


def gotchas() -> str:
    return page(
        "What breaks when applications move to Ollama",
        "the lists in " + " and ".join(f"`{name}`" for name in KEPT_IN),
        "What people meet who put Ollama in the place of a cloud API, and what becomes of it behind the gateway. "
        "What is handled names the test that shows it; what is not says why.",
        table(("", "What people meet", "With Earthward", "Shown by"), map(_row, all_gotchas())),
    )


def _row(gotcha: Gotcha) -> tuple[str, ...]:
    number, title, does, tested = gotcha
    return str(number), title, does, "<br>".join(f"`{_short(name)}`" for name in tested.split()) or "not handled"


def _short(name: str) -> str:
    path, _, test = name.partition("::")
    return f"{path.removeprefix('tests/')} {test}".strip()
