"""What stands under `encrypted_content`: OpenAI's own, or another vendor's signature under a mark of ours."""

from earthward.dialects.signatures import bare, marked, vendor_of

MARK = "earthward:"


def read_encrypted(wire: str) -> str:
    return wire.removeprefix(MARK) if wire.startswith(MARK) else marked(wire, "openai")


def write_encrypted(signature: str) -> str:
    """For a client, which sends it back as it is."""
    return bare(signature) if vendor_of(signature) == "openai" else MARK + signature


def openais(signature: str | None) -> str | None:
    """For OpenAI itself; None if it is not OpenAI's own."""
    return bare(signature) if signature is not None and vendor_of(signature) == "openai" else None
