"""Images and documents, written.

Elsewhere a file may come without its media type; here it must be named, so it is told from the first bytes.
"""

import binascii
from typing import Any

from earthward.chat import Document, Image
from earthward.dialects.file_ids import held_at
from earthward.dialects.inexpressible import Inexpressible

Wire = dict[str, Any]

_TYPES_BY_START = {
    "/9j/": "image/jpeg",
    "iVBORw0KGgo": "image/png",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi0": "application/pdf",
}
"""How the base64 of a file begins."""


def write_image(image: Image) -> Wire:
    return {"type": "image", "source": _image_source(image)}


def write_document(document: Document) -> Wire:
    wire: Wire = {"type": "document", "source": _document_source(document)}
    if document.name is not None:
        wire["title"] = document.name
    return {**wire, "citations": {"enabled": True}} if document.cited else wire


def _image_source(image: Image) -> Wire:
    if image.data is not None:
        media_type = image.media_type or _type_of(image.data)
        if media_type is None:
            raise Inexpressible("an image of unknown type cannot be sent to Anthropic; name its type", "messages")
        return {"type": "base64", "media_type": media_type, "data": image.data}
    if image.url is not None:
        return {"type": "url", "url": image.url}
    return {"type": "file", "file_id": held_at("Anthropic", image.file_id, "messages")}


def _document_source(document: Document) -> Wire:
    if document.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": document.text}
    if document.url is not None:
        return {"type": "url", "url": document.url}
    if document.data is None:
        return {"type": "file", "file_id": held_at("Anthropic", document.file_id, "messages")}
    media_type = document.media_type or _type_of(document.data)
    if media_type == "application/pdf":
        return {"type": "base64", "media_type": media_type, "data": document.data}
    if media_type is not None and media_type.startswith("text/"):
        return {"type": "text", "media_type": "text/plain", "data": _decoded(document.data)}
    raise Inexpressible(f"a document of type {media_type} cannot be sent to Anthropic; send its text", "messages")


def _type_of(data: str) -> str | None:
    return next((media_type for start, media_type in _TYPES_BY_START.items() if data.startswith(start)), None)


def _decoded(data: str) -> str:
    try:
        return binascii.a2b_base64(data).decode()
    except ValueError as error:
        raise Inexpressible("a document said to be text is not base64 of UTF-8", "messages") from error
