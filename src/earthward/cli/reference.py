"""The reference pages of the documentation, from the code they describe: `python -m earthward.cli.reference PAGE`.

Prints Markdown. `make docs` writes the pages; a test fails when one that is committed says something else.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

import typer.main

from earthward.cli import COMMANDS, application
from earthward.cli.markdown import page, table
from earthward.cli.reference_claims import claims
from earthward.cli.reference_configuration import configuration
from earthward.cli.reference_errors import errors
from earthward.cli.reference_gotchas import gotchas
from earthward.cli.reference_ledger import ledger
from earthward.cli.reference_metrics import metrics
from earthward.cli.reference_translation import translation


def cli() -> str:
    """Every command with its arguments and options."""
    root: Any = typer.main.get_command(application())
    parts = [f"{root.help.strip()}", _contents()]
    for name in COMMANDS:
        parts += _command(f"earthward {name}", root.commands[name])
    return page("Command line", "earthward.cli", *parts)


def _contents() -> str:
    return "\n".join(f"- [`earthward {name}`](#earthward-{name})" for name in COMMANDS)


def _command(path: str, command: Any) -> Iterable[str]:
    inner = getattr(command, "commands", {})
    level = "#" * path.count(" ")
    yield f"#{level} {path}"
    yield command.help
    shown = [param for param in command.params if not getattr(param, "hidden", False) and param.name != "help"]
    if not inner:
        usage = [path, *(_called(param) for param in shown if not _is_option(param)), "[options]"]
        yield f"```text\n{' '.join(usage)}\n```"
    if shown:
        yield table(("Option", "Default", "What it does"), map(_row, shown))
    for name, sub in (inner or getattr(command, "beside", {})).items():
        yield from _command(f"{path} {name}", sub)


def _is_option(param: Any) -> bool:
    return bool(param.opts[0].startswith("-"))


def _called(param: Any) -> str:
    return f"<{param.name}>" if param.required else f"[{param.name}]"


def _row(param: Any) -> tuple[str, str, str]:
    name = ", ".join(f"`{opt}`" for opt in param.opts) if _is_option(param) else f"`{_called(param)}`"
    default = "" if param.default in (None, False, "") or param.required else f"`{param.default}`"
    return name, default, param.help or ""


PAGES: dict[str, Callable[[], str]] = {
    "cli": cli,
    "configuration": configuration,
    "errors": errors,
    "ledger": ledger,
    "metrics": metrics,
    "translation": translation,
    "claims": claims,
    "gotchas": gotchas,
}


def main(words: list[str]) -> int:
    wanted = words[0] if words else "cli"
    if wanted not in PAGES:
        sys.stderr.write(f"there is no page {wanted}; known: {', '.join(PAGES)}\n")
        return 2
    sys.stdout.write(PAGES[wanted]())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
