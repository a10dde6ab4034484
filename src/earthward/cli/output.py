"""How commands talk: tables for people, JSON for programs, one clear line for a failure.

Exit statuses are the same everywhere: 0 done or yes, 1 no, 2 wrong use, 3 not enough evidence.
"""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import typer

DONE, NO, WRONG_USE, NOT_ENOUGH_EVIDENCE = range(4)


def fail(message: str, status: int = WRONG_USE) -> NoReturn:
    """Says why on stderr, and ends the command."""
    print(f"earthward: {message}", file=sys.stderr)
    raise typer.Exit(status)


def print_json(value: Any) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def write_new(path: Path, text: str, *, force: bool = False) -> None:
    """Writes a file that only its owner may read; over one that is there only by `force`."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if force else os.O_EXCL)
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{path} is there already; name another with -o, or write over it with --force")
    except OSError as error:
        fail(f"can't write {path}: {error.strerror or type(error).__name__}")
