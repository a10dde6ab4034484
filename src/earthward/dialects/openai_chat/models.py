"""The list of models."""

from collections.abc import Iterable
from typing import Any

import msgspec


def write_models(ids: Iterable[str], created: int) -> bytes:
    """`created` is a Unix time in seconds."""
    return msgspec.json.encode({"object": "list", "data": [_model(name, created) for name in ids]})


def write_model(id: str, created: int) -> bytes:
    return msgspec.json.encode(_model(id, created))


def _model(id: str, created: int) -> dict[str, Any]:
    return {"id": id, "object": "model", "created": created, "owned_by": "earthward"}
