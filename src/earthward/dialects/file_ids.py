"""Files that a vendor holds: their ids mean something there, and nothing at any other."""

from earthward.dialects.inexpressible import Inexpressible

BEGINNINGS = {
    "OpenAI": ("file-", "assistant-"),
    "Anthropic": ("file_",),
    "Google": ("gs://", "files/", "https://generativelanguage.googleapis.com/"),
}


def held_by(file_id: str) -> str | None:
    """The vendor, as far as the id tells."""
    return next((name for name, beginnings in BEGINNINGS.items() if file_id.startswith(beginnings)), None)


def held_at(vendor: str, file_id: str | None, param: str) -> str:
    """The id, for a request to this vendor, where it may be one of its own. Raises Inexpressible."""
    if file_id is None or held_by(file_id) not in (vendor, None) or "/" in file_id:
        message = f"a file by the id of another vendor cannot be sent to {vendor}; send its data in base64"
        raise Inexpressible(message, param)
    return file_id
