"""What differs in a request that goes to Claude on Vertex AI: the model stands in its path, the version in its body."""

import msgspec

VERSION = "vertex-2023-10-16"

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODE = msgspec.json.Encoder().encode


def at_vertex(body: bytes) -> bytes:
    """This request, as Vertex AI takes it."""
    fields = _FIELDS.decode(body)
    fields.pop("model", None)
    return _ENCODE({"anthropic_version": VERSION, **fields})


def count_at_vertex(body: bytes) -> bytes:
    """This question for a count, as Vertex AI takes it: the model stays in the body, without the version of its name.

    With one it is "not supported for token counting".
    """
    fields = _FIELDS.decode(body)
    model = msgspec.json.decode(fields["model"], type=str).partition("@")[0]
    return _ENCODE({**fields, "anthropic_version": VERSION, "model": model})
