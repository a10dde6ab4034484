"""What stands under `encrypted_content`: OpenAI's own, or another vendor's signature under a mark of ours."""

from earthward.chat import Reasoning
from earthward.dialects.signatures import bare, marked, vendor_of

MARK = "earthward:"
_REDACTED = f"{MARK}redacted:"


def read_encrypted(wire: str | None, text: str) -> Reasoning | None:
    """What was thought, signed by whoever signed it; None where it is nothing."""
    if not wire:
        return Reasoning(text) if text else None
    if wire.startswith(_REDACTED):
        return Reasoning(text, wire.removeprefix(_REDACTED), redacted=True)
    return Reasoning(text, wire.removeprefix(MARK) if wire.startswith(MARK) else marked(wire, "openai"))


def write_encrypted(signature: str, redacted: bool = False) -> str:
    """For a client, which sends it back as it is."""
    if vendor_of(signature) == "openai":
        return bare(signature)
    return (_REDACTED if redacted else MARK) + signature


def openais(signature: str | None) -> str | None:
    """For OpenAI itself; None if it is not OpenAI's own."""
    return bare(signature) if signature is not None and vendor_of(signature) == "openai" else None
