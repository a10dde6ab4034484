"""Names and bytes as Google's SDKs write them: both spellings of a name, both alphabets of base64."""

import re
from typing import Any

_UNDERSCORE = re.compile(r"_([a-z0-9])")
_OPAQUE = frozenset(
    {
        "args",
        "jsonSchema",
        "labels",
        "parameters",
        "parametersJsonSchema",
        "partMetadata",
        "response",
        "responseJsonSchema",
        "responseSchema",
    }
)
"""Fields whose members are the caller's own names."""


def camel(name: str) -> str:
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name) if "_" in name else name


def with_camel_names(value: Any) -> Any:
    """The same with every field's name in camel case; where both spellings are given, that one counts."""
    if isinstance(value, list):
        return [with_camel_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {}
    for name, item in value.items():
        spelt = camel(name)
        if spelt == name or spelt not in value:
            named[spelt] = item if spelt in _OPAQUE else with_camel_names(item)
    return named
