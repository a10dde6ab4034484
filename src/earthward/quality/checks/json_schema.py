"""Structured output that is not JSON, or not what its schema says."""

from functools import lru_cache
from typing import Any

import jsonschema
import msgspec

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, bad

LONGEST = 1_000_000
LONGEST_WHY = 200


def check(case: Case) -> Found:
    if case.schema is None or case.candidate.refusal:
        return NOT_APPLICABLE
    try:
        validator = _validator(msgspec.json.encode(case.schema))
    except jsonschema.SchemaError:
        return NOT_APPLICABLE
    if len(case.candidate.text) > LONGEST:
        return bad(f"it is longer than {LONGEST} characters")
    try:
        value = msgspec.json.decode(case.candidate.text)
    except (msgspec.DecodeError, RecursionError) as error:
        return bad(f"it is no JSON: {error}")
    return _first_error(validator, value)


def problem_of(schema: dict[str, Any] | bool, value: object) -> str | None:
    """What of a value is not as its schema says; None where all is, or where the schema can't be followed."""
    try:
        found = _first_error(_validator(msgspec.json.encode(schema)), value)
    except jsonschema.SchemaError:
        return None
    return found.why if found.state == "bad" else None


def _first_error(validator: Any, value: object) -> Found:
    try:
        error = next(validator.iter_errors(value), None)
    except Exception as problem:  # noqa: BLE001  a schema with a reference to nowhere, or one that runs in a circle
        return Found("not applicable", f"the schema can't be followed: {type(problem).__name__}")
    if error is None:
        return GOOD
    return bad(f"{error.json_path}: {error.message[:LONGEST_WHY]}")


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    decoded = msgspec.json.decode(schema)
    kind = jsonschema.validators.validator_for(decoded, default=jsonschema.Draft202012Validator)
    kind.check_schema(decoded)
    return kind(decoded)
