"""Images and documents that a request names by an address.

The gateway fetches nothing, and neither shall a server inside the network on a caller's word: such an address can
point at what only insiders may see.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from earthward.chat import ChatRequest, Document, Failure, FailureKind, Image, Text, ToolResult


def refusal_of_remote(request: ChatRequest, hosts: frozenset[str]) -> Failure | None:
    """Why the request may not go to a target that fetches addresses itself; None if it names allowed hosts only.

    `hosts` are what the operator allows, in lower case; one that begins with a dot stands for all below it.
    """
    for url in addresses(request):
        if not is_allowed(url, hosts):
            message = "addresses of images and documents are not fetched; send the data in base64"
            return Failure(FailureKind.UNSUPPORTED, message, param="messages")
    return None


def addresses(request: ChatRequest) -> Iterator[str]:
    """All that the request names, in results of tools too."""
    for message in request.messages:
        for part in message.parts:
            if type(part) is Text:
                continue
            for inner in (part, *(part.content if isinstance(part, ToolResult) else ())):
                if isinstance(inner, Image | Document) and inner.url is not None:
                    yield inner.url


def is_allowed(url: str, hosts: frozenset[str]) -> bool:
    """Only plain https addresses by a name: what two parsers could read in two ways is not allowed."""
    if not url.isascii() or not url.isprintable() or any(mark in url for mark in "\\ @"):
        return False
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if parts.scheme.lower() != "https" or not host or port not in (None, 443):
        return False
    return host in hosts or any(host.endswith(allowed) for allowed in hosts if allowed.startswith("."))
