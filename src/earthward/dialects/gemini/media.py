"""Images, documents and sound, both ways: as bytes in the request, or by a URI."""

import mimetypes
from typing import Any

import msgspec

from earthward.chat import Audio, Document, FailureKind, Image
from earthward.dialects.file_ids import held_by
from earthward.dialects.files import document, is_text, type_of
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.inline import standard_base64

Wire = dict[str, Any]
Media = Image | Document | Audio

_TYPES_BY_START = {
    "/9j/": "image/jpeg",
    "iVBORw0KGgo": "image/png",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi0": "application/pdf",
}
"""How the base64 of a file begins."""

_FORMATS = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wave": "wav", "audio/vnd.wave": "wav"}


class WireBlob(msgspec.Struct, rename="camel"):
    data: str
    mime_type: str | None = None
    display_name: str | None = None


class WireFile(msgspec.Struct, rename="camel"):
    file_uri: str
    mime_type: str | None = None
    display_name: str | None = None


def read_blob(wire: WireBlob, where: str) -> Media:
    data = standard_base64(wire.data)
    kind = (wire.mime_type or _type_of(data) or "").lower()
    if kind.startswith("image/"):
        return Image(kind, data)
    if kind.startswith("audio/"):
        bare = kind.partition(";")[0]
        return Audio(_FORMATS.get(bare, bare.removeprefix("audio/")), data)
    stated = type_of(kind, wire.display_name)
    if stated == "application/pdf" or is_text(stated):
        return document(kind, data, wire.display_name, f"{where}.data")
    raise _unknown(kind, where)


def read_file(wire: WireFile, where: str) -> Media:
    kind = (wire.mime_type or mimetypes.guess_type(wire.file_uri)[0] or "").lower()
    place: dict[str, Any] = {"file_id" if _is_held_by_google(wire.file_uri) else "url": wire.file_uri}
    if kind.startswith("image/"):
        return Image(kind, **place)
    if kind == "application/pdf" or is_text(kind):
        return Document(kind, name=wire.display_name, **place)
    raise _unknown(kind, where)


def write_media(part: Media) -> Wire:
    """Raises Inexpressible for a file that only another vendor holds, or whose type cannot be told."""
    if isinstance(part, Audio):
        return {"inlineData": {"mimeType": f"audio/{part.format}", "data": part.data}}
    name = {"displayName": part.name} if isinstance(part, Document) and part.name is not None else {}
    uri = part.url if part.url is not None else part.file_id
    if part.data is not None:
        kind = part.media_type or _type_of(part.data)
        if kind is None:
            raise Inexpressible("a file of unknown type cannot be sent to Google; name its type", "messages")
        return {"inlineData": {"mimeType": kind, "data": part.data, **name}}
    if uri is None or (part.url is None and not _is_held_by_google(uri)):
        message = "a file by the id of another vendor cannot be sent to Google; send its data in base64"
        raise Inexpressible(message, "messages")
    fallback = "image/jpeg" if isinstance(part, Image) else "application/pdf"
    kind = part.media_type or mimetypes.guess_type(uri)[0] or fallback
    return {"fileData": {"mimeType": kind, "fileUri": uri, **name}}


def _is_held_by_google(uri: str) -> bool:
    return held_by(uri) == "Google"


def _type_of(data: str) -> str | None:
    return next((kind for start, kind in _TYPES_BY_START.items() if data.startswith(start)), None)


def _unknown(kind: str, where: str) -> Inexpressible:
    if not kind:
        return Inexpressible("a file needs its `mimeType`", where, FailureKind.BAD_REQUEST)
    return Inexpressible(f"a file of type {kind}; known are images, audio (inline), PDF and text", where)
