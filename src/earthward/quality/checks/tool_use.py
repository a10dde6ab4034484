"""Tool calls that can't be carried out, whatever the other arm calls: of no tool that was offered, with arguments that
are no JSON or not what the tool takes."""

from typing import Any

import msgspec

from earthward.quality.case import GOOD, NOT_APPLICABLE, Call, Case, Found, bad
from earthward.quality.schemas import Unfollowable, problem_of

LONGEST_NAME = 80
LONGEST_WHY = 200


def check(case: Case) -> Found:
    if not case.candidate.calls:
        return NOT_APPLICABLE
    problems = (_problem(call, case.tools) for call in case.candidate.calls)
    return next((bad(problem) for problem in problems if problem), GOOD)


def _problem(call: Call, tools: dict[str, dict[str, Any]] | None) -> str | None:
    name = call.name[:LONGEST_NAME]
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return f"the arguments of {name} are no JSON"
    if not isinstance(arguments, dict):
        return f"the arguments of {name} are no JSON object"
    if tools is None:
        return None
    if call.name not in tools:
        return f"it calls {name}, which was not offered"
    try:
        wrong = problem_of(tools[call.name], arguments)
    except Unfollowable:
        return None
    return f"{name}: {wrong[:LONGEST_WHY]}" if wrong else None
