"""The list of models."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec


def write_models(ids: Iterable[str], created: int) -> bytes:
    """All on one page. `created` is a Unix time in seconds."""
    data = [_model(name, created) for name in ids]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return msgspec.json.encode({"data": data, "has_more": False, "first_id": first, "last_id": last})


def write_model(id: str, created: int) -> bytes:
    return msgspec.json.encode(_model(id, created))


def _model(id: str, created: int) -> dict[str, Any]:
    when = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": id, "display_name": id, "created_at": when, "lifecycle": "active"}
