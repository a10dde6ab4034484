"""Whether a value matches a JSON Schema, asked so that neither schema nor value can do harm.

References are put in place first, within bounds, so nothing is fetched and nothing goes round in circles. Patterns are
not tried: a regular expression of a caller's could take for ever.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.ollama.schemas import inlined

_LONGEST_MESSAGE = 300
_SENSELESS = (
    *(Inexpressible, SchemaError, UnknownType, Unresolvable, RecursionError),
    *(ArithmeticError, AttributeError, KeyError, TypeError, ValueError),
)
"""What is raised on the way through a schema that is none."""


def _no_others(validator: Any, allowed: Any, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    """`additionalProperties`, but that names which match a pattern, and these are not tried, may be there."""
    if not isinstance(instance, dict) or schema.get("patternProperties"):
        return
    for name in instance.keys() - (schema.get("properties") or {}).keys():
        if allowed is False:
            yield ValidationError(f"{name!r} is not one of the known properties")
        elif isinstance(allowed, dict):
            yield from validator.descend(instance[name], allowed, path=name)


def _nothing(validator: Any, value: Any, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    yield from ()


def _all_different(validator: Any, said: Any, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    """`uniqueItems`, in time that grows with the list and not with its square."""
    if said is True and isinstance(instance, list):
        different = {msgspec.json.encode(item, order="sorted") for item in instance}
        if len(different) < len(instance):
            yield ValidationError("its items are not all different")


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "additionalProperties": _no_others,
        "uniqueItems": _all_different,
        **dict.fromkeys(
            ("pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "format"),
            _nothing,
        ),
    },
)


def mismatch(schema: dict[str, Any], value: Any) -> str | None:
    """What is wrong with the value first, in words for a model; None if it matches.

    A schema that makes no sense holds nobody to anything: whoever sent it is told by the target.
    """
    try:
        whole = inlined(schema)
        if any(map(_has_a_draft, whole.values())):
            return None
        validator = _Validator(whole, registry=Registry())
        error = next(validator.iter_errors(value), None)
    except _SENSELESS:
        return None
    if error is None:
        return None
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return f"at ${where}: {error.message[:_LONGEST_MESSAGE]}"


def _has_a_draft(it: Any) -> bool:
    """Whether a part has a `$schema` of its own: the library would have that draft's own validator follow it, which
    fetches references and tries patterns."""
    if isinstance(it, list):
        return any(map(_has_a_draft, it))
    return isinstance(it, dict) and (isinstance(it.get("$schema"), str) or any(map(_has_a_draft, it.values())))
