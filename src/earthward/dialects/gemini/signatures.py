"""Signatures of thoughts. Google's are bytes in base64; what another vendor signed is wrapped to look alike."""

import base64
import binascii
import re

from earthward.chat import Reasoning
from earthward.dialects.inline import standard_base64
from earthward.dialects.signatures import bare, marked, vendor_of

UNCHECKED = "skip_thought_signature_validator"
"""What Google takes for the signature of a call that another model made."""

FOREIGN = re.compile(rb'"thought_?[sS]ignature"\s*:\s*"(?:Zm9yZWlnbj|cmVkYWN0ZW)')
"""How a wrapped signature looks in a request."""

_SIGNED, _REDACTED = "foreign:", "redacted:"


def read_signature(wire: str, text: str = "") -> Reasoning:
    """What was thought, signed by whoever signed it."""
    try:
        inner = base64.b64decode(standard_base64(wire), validate=True).decode()
    except (binascii.Error, ValueError):
        inner = ""
    if inner.startswith(_SIGNED):
        return Reasoning(text, inner.removeprefix(_SIGNED))
    if inner.startswith(_REDACTED):
        return Reasoning(text, inner.removeprefix(_REDACTED), redacted=True)
    return Reasoning(text, marked(wire, "google"))


def write_signature(signature: str, redacted: bool = False) -> str:
    """For a client, which sends it back as it is."""
    if vendor_of(signature) == "google":
        return bare(signature)
    return base64.b64encode(((_REDACTED if redacted else _SIGNED) + signature).encode()).decode()


def googles(signature: str | None) -> str | None:
    """For Google itself; None if it is not Google's own."""
    return bare(signature) if signature is not None and vendor_of(signature) == "google" else None
