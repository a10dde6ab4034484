"""Azure OpenAI's paths: OpenAI's dialects, with the deployment in the path and a key that is Azure's alone."""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.counts import OpenAICount
from earthward.gateway.doors.door import Door
from earthward.gateway.doors.embeddings import OpenAIEmbeddings
from earthward.gateway.doors.openai_chat import ChatDoor
from earthward.gateway.doors.openai_completions import CompletionsDoor
from earthward.gateway.doors.openai_responses import ResponsesDoor

_PATH = re.compile(
    rb"/openai/(?:deployments/(?P<deployment>[^/]+)/|v1/)?"
    rb"(?P<asked>chat/completions|completions|embeddings|responses|responses/input_tokens)"
)


class _AtAzure:
    """Without a deployment in the path the body names it."""

    family = b"/openai/"
    key_dialect = "azure"
    vendor: str | None = "azure"

    def __init__(self, path: bytes, deployment: str | None) -> None:
        self.path = path
        self._deployment = deployment

    def entered(self, envelope: Envelope) -> Envelope:
        return envelope if self._deployment is None else envelope.with_fields(model=self._deployment)


class _Chat(_AtAzure, ChatDoor):
    pass


class _Completions(_AtAzure, CompletionsDoor):
    pass


class _Embeddings(_AtAzure, OpenAIEmbeddings):
    pass


class _Responses(_AtAzure, ResponsesDoor):
    pass


class _Count(_AtAzure, OpenAICount):
    pass


_DOORS: dict[bytes, Callable[[bytes, str | None], Door]] = {
    b"chat/completions": _Chat,
    b"completions": _Completions,
    b"embeddings": _Embeddings,
    b"responses": _Responses,
    b"responses/input_tokens": _Count,
}


def opened(path: bytes, query: bytes) -> Door | None:
    """The door at this path, if it is one of Azure's. Which version of the API is asked for makes no difference."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    named: bytes | None = found["deployment"]
    deployment = None if named is None else unquote_to_bytes(named).decode("utf-8", "replace")
    return _DOORS[found["asked"]](path, deployment)
