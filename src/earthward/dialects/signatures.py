"""Whose signature stands under a piece of thinking.

A vendor checks what comes back to it: another vendor's signature fails the whole request there. So every one but
Anthropic's, which its clients show as it is, carries its vendor's mark while it is in the vocabulary.
"""

from typing import Literal

Vendor = Literal["anthropic", "google", "openai"]

_MARKS: dict[str, Vendor] = {"google:": "google", "openai:": "openai"}


def vendor_of(signature: str) -> Vendor:
    return next((vendor for mark, vendor in _MARKS.items() if signature.startswith(mark)), "anthropic")


def marked(signature: str, vendor: Vendor) -> str:
    return signature if vendor == "anthropic" else f"{vendor}:{signature}"


def bare(signature: str) -> str:
    """The signature as its vendor wrote it."""
    return signature.partition(":")[2] if vendor_of(signature) != "anthropic" else signature
