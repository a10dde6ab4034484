"""Claude as Vertex AI has it: Anthropic's messages, with the model in the path and the version in the body.

Callers show an access token of Google's, which is nothing to Anthropic.
"""

import re
from urllib.parse import unquote_to_bytes

from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.anthropic_messages import MessagesDoor
from earthward.gateway.doors.counts import AnthropicCount
from earthward.gateway.doors.door import Door

_PATH = re.compile(
    rb"(?:/v1(?:beta1)?)?/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/([^/]+):(rawPredict|streamRawPredict)"
)


class _Door(MessagesDoor):
    key_dialect = "vertex"
    vendor: str | None = "vertex"

    def __init__(self, path: bytes, model: str, stream: bool) -> None:
        self.path = path
        self._model = model
        self._stream = stream

    def entered(self, envelope: Envelope) -> Envelope:
        """As Anthropic's own API would be asked."""
        stream = {} if "stream" in envelope.fields or not self._stream else {"stream": True}
        return envelope.without("anthropic_version").with_fields(model=self._model, **stream)


class _Count(AnthropicCount):
    """Counts have a path of their own, and the model in the body as elsewhere."""

    key_dialect = "vertex"
    vendor: str | None = "vertex"

    def __init__(self, path: bytes) -> None:
        self.path = path

    def entered(self, envelope: Envelope) -> Envelope:
        return envelope.without("anthropic_version")


def opened(path: bytes, query: bytes) -> Door | None:
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    if found[1] == b"count-tokens":
        return _Count(path)
    model = unquote_to_bytes(found[1]).decode("utf-8", "replace")
    return _Door(path, model, stream=found[2] == b"streamRawPredict")
