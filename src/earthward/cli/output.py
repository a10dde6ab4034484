"""How commands talk: tables for people, JSON for programs, one clear line for a failure.

Exit statuses are the same everywhere: 0 done or yes, 1 no, 2 wrong use, 3 not enough evidence.
"""

import sys
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
