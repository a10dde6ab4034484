"""A request that passes through to a target of the same dialect, and what is taken out of it on the way.

An earlier answer may have come from elsewhere. Anthropic checks what it signed or sealed itself, and would refuse the
whole request for what it did not.
"""

import re
from typing import Any

import msgspec

from earthward.dialects.anthropic_messages.citations import is_unsealed
from earthward.dialects.envelope import Envelope
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.signatures import vendor_of

_ENCODE = msgspec.json.Encoder().encode
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_UNSIGNED = re.compile(rb'"signature"\s*:\s*"(?:"|google:|openai:)')
_UNSEALED = re.compile(rb'"encrypted_index"\s*:\s*""')
THINKING, CITATIONS = "messages.content.thinking", "messages.content.citations"


class _Block(msgspec.Struct, gc=False):
    type: Any = None
    signature: Any = None
    citations: Any = None


_BLOCK = msgspec.json.Decoder(_Block)


def prepare(envelope: Envelope, model: str, stream: bool, extensions: bool = False) -> bytes:
    """The body to send upstream; a stream of this dialect tells its usage unasked.

    Thinking of an earlier answer that nobody signed came from a local server, and some from other vendors; pages that
    nobody sealed were found by other vendors. They are left out, unless the server has `extensions`: one that is not
    Anthropic's own, and checks nothing.
    """
    fields = {**envelope.fields, "model": msgspec.Raw(_ENCODE(model))}
    messages = fields.get("messages")
    if messages is not None and not extensions and _may_be_foreign(messages):
        fields["messages"] = _own_only(messages)[0]
    return _ENCODE(fields)


def left_out(envelope: Envelope, extensions: bool = False) -> tuple[str, ...]:
    """The names of what `prepare` takes out of a client's request."""
    messages = envelope.fields.get("messages")
    if messages is None or extensions or not _may_be_foreign(messages):
        return ()
    return _own_only(messages)[1]


def _may_be_foreign(content: msgspec.Raw) -> bool:
    # Histories are long, and most have neither: plain words find that much sooner.
    text = bytes(content)
    return (b'"signature"' in text and _UNSIGNED.search(text) is not None) or (
        b'"encrypted_index"' in text and _UNSEALED.search(text) is not None
    )


def _own_only(messages: msgspec.Raw) -> tuple[msgspec.Raw, tuple[str, ...]]:
    """As they were if they are not in the form of this dialect: the upstream will say so."""
    names: set[str] = set()
    try:
        kept = [message for wire in _LIST.decode(messages) if (message := _message(wire, names)) is not None]
    except NOT_JSON:
        return messages, ()
    return msgspec.Raw(_ENCODE(kept)), tuple(sorted(names, reverse=True))


def _message(message: msgspec.Raw, names: set[str]) -> msgspec.Raw | None:
    """None if nothing is left: an empty message would be refused."""
    fields = _FIELDS.decode(message)
    content = fields.get("content")
    if content is None or not _may_be_foreign(content) or not bytes(content).lstrip().startswith(b"["):
        return message
    blocks = _LIST.decode(content)
    kept = [block for wire in blocks if (block := _block(wire, names)) is not None]
    if kept == blocks:
        return message
    return msgspec.Raw(_ENCODE({**fields, "content": kept})) if kept else None


def _block(wire: msgspec.Raw, names: set[str]) -> msgspec.Raw | None:
    block = _BLOCK.decode(wire)
    if block.type == "thinking" and _is_unsigned(block.signature):
        names.add(THINKING)
        return None
    if block.type != "text" or not isinstance(block.citations, list):
        return wire
    sealed = [citation for citation in block.citations if not is_unsealed(citation)]
    if len(sealed) == len(block.citations):
        return wire
    names.add(CITATIONS)
    fields: dict[str, Any] = {**_FIELDS.decode(wire), "citations": sealed}
    return msgspec.Raw(_ENCODE(fields if sealed else {name: fields[name] for name in fields if name != "citations"}))


def _is_unsigned(signature: Any) -> bool:
    return not signature or (isinstance(signature, str) and vendor_of(signature) != "anthropic")
