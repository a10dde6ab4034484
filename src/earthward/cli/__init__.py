"""The command line. Each command is one file; only the one that is called is imported, so that `serve` is up fast."""

import importlib
import keyword
import sys

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended while it was still being loaded: that is no error to tell of."""

try:
    import typer
except KeyboardInterrupt:
    sys.exit(INTERRUPTED)

COMMANDS = (
    "demo",
    "init",
    "import",
    "check",
    "doctor",
    "explain",
    "serve",
    "switch",
    "rollout",
    "assess",
    "tco",
    "prices",
    "keys",
    "ledger",
    "report",
)
"""In the order of the help text. The file of the same name holds a function of that name, whose class may be `COMMAND`,
or a group called `app`.

A file can't be called as a word of Python is, so it has an underscore more.
"""

HELP = """Move LLM traffic from cloud APIs to models you host: safely, step by step, on evidence.

Exit status: 0 done or yes, 1 no, 2 wrong use, 3 not enough evidence.
"""


def application(names: tuple[str, ...] = COMMANDS) -> typer.Typer:
    """The command line with these commands."""
    app = typer.Typer(
        name="earthward", help=HELP, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
    )
    app.callback()(_root)
    for name in names:
        module = importlib.import_module(f"earthward.cli.{name}{'_' if keyword.iskeyword(name) else ''}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name, cls=getattr(module, "COMMAND", None))(getattr(module, name))
    return app


def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and end.", callback=lambda v: _version(v)),
) -> None:
    pass


def _version(wanted: bool) -> None:
    if wanted:
        from earthward import __version__

        print(f"earthward {__version__}")
        raise typer.Exit


def main() -> None:
    called = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        app = application((called,) if called in COMMANDS else COMMANDS)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    app()
