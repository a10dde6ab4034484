"""Which paths are Anthropic's."""

from earthward.http.server import Request

MESSAGES = b"/v1/messages"
COUNT = b"/v1/messages/count_tokens"
MODELS = b"/v1/models"
ASKS = frozenset({MESSAGES})


def speaks(request: Request) -> bool:
    """Its lists of models have the same path as OpenAI's: the version's header tells them apart."""
    path = request.path
    if path == MESSAGES or path.startswith(MESSAGES + b"/"):
        return True
    return path.startswith(MODELS) and request.get(b"anthropic-version") is not None
