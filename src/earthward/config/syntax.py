"""What is told of a file that is no YAML: where, what the parser met, and what it most often is."""

import yaml

from earthward.config.problems import Problem

INDENTED = "indent it like the lines around it"
ADVICE = (
    ("mapping values are not allowed", f"{INDENTED}; a value with `: ` in it needs quotes"),
    ("expected key", f"{INDENTED}; or a quote or a bracket before it is one too many"),
    ("expected '-'", INDENTED),
    ("expected ',' or", "close what was opened there; a value with `: ` or `, ` in it needs quotes"),
    ("cannot start any token", "a value that begins with it needs quotes"),
    ("expected alphabetic", "a value that begins with `*` or `&` needs quotes"),
    ("<document start>", "is this a configuration?"),
    ("unexpected ':'", "put a space behind the colon; a value with one in it needs quotes"),
    ("unknown escape", "write a backslash twice between double quotes, or take single ones"),
)
"""Parts of what libyaml says."""


def syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    begun, mark = error.context_mark, error.problem_mark or error.context_mark
    if mark is None:
        return Problem(file, 0, 0, f"no YAML: {error.problem}")
    # The parser finds out only behind the last line that a quote is missing.
    if begun is not None and "quoted scalar" in str(error.context) and "end of stream" in str(error.problem):
        return Problem(file, begun.line + 1, begun.column + 1, "a quote opens here, and nothing closes it")
    line = dict(enumerate(text.splitlines())).get(mark.line, "")
    if line[: len(line) - len(line.lstrip())].count("\t"):
        return Problem(file, mark.line + 1, mark.column + 1, "a tab is used to indent; YAML takes spaces only")
    return Problem(file, mark.line + 1, mark.column + 1, f"{error.problem}{_while(error)}{_advice(error)}")


def unreadable(file: str, text: str, error: yaml.YAMLError) -> Problem:
    """For characters that YAML doesn't allow, which is what a binary file begins with."""
    place = getattr(error, "position", None)
    before = text[:place] if isinstance(place, int) else ""
    line = before.count("\n") + 1
    return Problem(file, line, len(before) - before.rfind("\n"), "a character that no text has; is this a binary file?")


def _while(error: yaml.MarkedYAMLError) -> str:
    begun, mark = error.context_mark, error.problem_mark
    if not error.context:
        return ""
    if begun is None or mark is None or begun.line == mark.line:
        return f" ({error.context})"
    return f" ({error.context} that begins in line {begun.line + 1})"


def _advice(error: yaml.MarkedYAMLError) -> str:
    return next((f"; {advice}" for part, advice in ADVICE if part in str(error.problem)), "")
