"""Structured output that is not JSON, or not what its schema says."""

import msgspec

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, bad
from earthward.quality.schemas import Unfollowable, problem_of

LONGEST = 1_000_000
LONGEST_WHY = 200


def check(case: Case) -> Found:
    if case.schema is None or case.candidate.refusal:
        return NOT_APPLICABLE
    if len(case.candidate.text) > LONGEST:
        return bad(f"it is longer than {LONGEST} characters")
    try:
        value = msgspec.json.decode(case.candidate.text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return bad(f"it is no JSON: {error}"[:LONGEST_WHY])
    try:
        problem = problem_of(case.schema, value)
    except Unfollowable as why:
        return Found("not applicable", f"the schema can't be followed: {why}")
    return bad(problem[:LONGEST_WHY]) if problem else GOOD
