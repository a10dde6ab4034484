"""Whether a value is as a JSON Schema says, asked so that neither of them can do harm: both come from strangers.

Nothing is fetched, whatever a reference names. Patterns are tried by an engine that takes time in proportion to the
text, so that those which need another one (with look-around) are not followed. All work is counted, and given up where
it is too much.
"""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import jsonschema
import msgspec
from jsonschema.validators import extend
from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema
from referencing import Registry

MOST_STEPS = 40_000
"""For one value. A step is a keyword at one place; what goes through a list or a text takes more of them."""
A_REFERENCE = 20
"""Steps."""
A_STEP = 64
A_STEP_SAID = 1024
"""Characters that are read, and of what is said of an error."""
_OF_ITS_OWN = ("$schema", "$id", "$anchor", "$dynamicAnchor")
_OLD = (jsonschema.Draft3Validator, jsonschema.Draft4Validator)
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_LEFT_OUT = ("unevaluatedItems", "unevaluatedProperties")

Keyword = Callable[[Any, Any, Any, Any], Iterator[jsonschema.ValidationError]]
_left: ContextVar[int] = ContextVar("_left", default=0)


class Unfollowable(Exception):
    """A schema that says nothing of a value; why, in a few words."""


def problem_of(schema: dict[str, Any] | bool, value: object) -> str | None:
    """What of the value is not as its schema says; None where all is. Raises Unfollowable."""
    try:
        validator = _validator(msgspec.json.encode(schema))
        _left.set(MOST_STEPS)
        error = next(validator.iter_errors(value), None)
        return f"{error.json_path}: {error.message}" if error else None
    except Unfollowable:
        raise
    except Exception as problem:  # a reference to nowhere, one that runs in a circle, a keyword with nonsense in it
        raise Unfollowable(type(problem).__name__) from problem


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    decoded = msgspec.json.decode(schema)
    kind = jsonschema.validators.validator_for(decoded, default=jsonschema.Draft202012Validator)
    if kind in _OLD:
        raise Unfollowable("it is of a draft before 6")
    if isinstance(decoded, dict):
        decoded = {name: it for name, it in decoded.items() if name not in _OF_ITS_OWN}
    if _has_names(decoded):
        raise Unfollowable("a part of it has a name or a draft of its own")
    return _bounded(kind)(decoded, registry=Registry())


def _has_names(it: object) -> bool:
    """Whether a part would be followed by another validator, which is not bounded, or has to be searched for."""
    if isinstance(it, list):
        return any(map(_has_names, it))
    if not isinstance(it, dict):
        return False
    return any(isinstance(it.get(name), str) for name in _OF_ITS_OWN) or any(map(_has_names, it.values()))


@lru_cache(maxsize=16)
def _bounded(kind: Any) -> Any:
    own: dict[str, Keyword] = {
        "additionalProperties": _no_others,
        "const": lambda _, said, value, __: _one_of([said], value),
        "enum": lambda _, said, value, __: _one_of(said, value),
        "pattern": _pattern,
        "patternProperties": _by_pattern,
        "uniqueItems": _unique,
    }
    kept = {name: own.get(name, keyword) for name, keyword in kind.VALIDATORS.items() if name not in _LEFT_OUT}
    counted = {name: _counted(name, keyword) for name, keyword in kept.items()}
    return extend(kind, {**counted, **dict.fromkeys(_LEFT_OUT, _nothing)})  # type: ignore[no-untyped-call]


def _counted(name: str, keyword: Keyword) -> Keyword:
    def counted(validator: Any, said: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
        _spend(_way(said) if name in _REFERENCES else 1 + _size(said) + _size(value))
        for error in keyword(validator, said, value, schema) or ():
            _spend(len(error.message) // A_STEP_SAID)
            yield error

    return counted


def _spend(steps: int) -> None:
    left = _left.get() - steps
    if left < 0:
        raise Unfollowable("that takes too long")
    _left.set(left)


def _way(reference: str) -> int:
    if reference != "#" and not reference.startswith("#/"):
        raise Unfollowable("it refers to something outside")
    return A_REFERENCE


def _size(it: object) -> int:
    """In steps: of what a keyword says, and of what it looks at."""
    if isinstance(it, str):
        return len(it) // A_STEP
    return len(it) // 2 if isinstance(it, list | dict) else 0


def _nothing(validator: Any, said: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    yield from ()


def _one_of(allowed: list[Any], value: Any) -> Iterator[jsonschema.ValidationError]:
    if _plain(value) not in map(_plain, allowed):
        yield jsonschema.ValidationError(f"{value!r} is not one of {allowed!r}")


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, str) and not _matches(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


def _matches(pattern: str, text: str) -> bool:
    _spend(1 + _size(text))
    try:
        _compiled(pattern).validate_python(text)
    except ValidationError:
        return False
    except SchemaError:
        raise Unfollowable("a pattern can't be tried") from None
    return True


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _unique(validator: Any, said: bool, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if said and isinstance(value, list) and len(set(map(_plain, value))) < len(value):
        yield jsonschema.ValidationError("not all of its items are different")


def _plain(it: object) -> bytes:
    """Equal for what is equal: 1.0 is 1, and the order of names says nothing."""
    plain = msgspec.json.encode(_whole(it), order="deterministic")
    _spend(len(plain) // A_STEP)
    return plain


def _whole(it: object) -> object:
    match it:
        case float() if it.is_integer():
            return int(it)
        case list():
            return [_whole(inner) for inner in it]
        case dict():
            return {name: _whole(inner) for name, inner in it.items()}
    return it


def _by_pattern(validator: Any, said: dict[str, Any], value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, dict):
        for pattern, wanted in said.items():
            for name in [name for name in value if _matches(pattern, name)]:
                yield from validator.descend(value[name], wanted, path=name, schema_path=pattern)


def _no_others(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """`additionalProperties`."""
    if not isinstance(value, dict):
        return
    for name in [name for name in value if name not in schema.get("properties", {})]:
        if any(_matches(pattern, name) for pattern in schema.get("patternProperties", {})):
            continue
        if allowed is False:
            yield jsonschema.ValidationError(f"{name!r} is none of its properties")
        elif allowed is not True:
            yield from validator.descend(value[name], allowed, path=name)
