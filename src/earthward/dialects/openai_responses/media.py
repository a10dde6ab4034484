"""Parts of a message's content, both ways."""

from typing import Any

import msgspec

from earthward.chat import Document, Image, Part, Refusal, Text
from earthward.dialects.file_ids import held_at
from earthward.dialects.files import read_file
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.inline import inline
from earthward.dialects.openai_responses.annotations import read_annotations, wire_annotations

Wire = dict[str, Any]


class WirePart(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    annotations: Any = None


def read_part(wire: WirePart, where: str) -> Part:
    match wire:
        case WirePart(type="input_text" | "output_text" | "text", text=str(text)):
            return Text(text, read_annotations(wire.annotations))
        case WirePart(type="refusal", refusal=str(refusal)):
            return Refusal(refusal)
        case WirePart(type="input_image", image_url=str(url)):
            found = inline(url)
            return Image(*found, detail=wire.detail) if found else Image(url=url, detail=wire.detail)
        case WirePart(type="input_image", file_id=str(file_id)):
            return Image(file_id=file_id, detail=wire.detail)
        case WirePart(type="input_file", file_data=str(data)):
            return read_file(data, wire.filename, f"{where}.file_data")
        case WirePart(type="input_file", file_url=str(url)):
            return Document(url=url, name=wire.filename)
        case WirePart(type="input_file", file_id=str(file_id)):
            return Document(file_id=file_id, name=wire.filename)
    known = "input_text, output_text, refusal, input_image, input_file"
    raise Inexpressible(f"a part of type {wire.type!r} that is unknown or not whole; known are {known}", where)


def write_part(part: Part, is_assistant: bool = False) -> Wire:
    match part:
        case Text(text) if is_assistant and (annotations := wire_annotations(part)):
            return {"type": "output_text", "text": text, "annotations": annotations}
        case Text(text):
            return {"type": "output_text" if is_assistant else "input_text", "text": text}
        case Refusal(refusal) if is_assistant:
            return {"type": "refusal", "refusal": refusal}
        case Image() if not is_assistant:
            return _without_none({"type": "input_image", **_image(part), "detail": part.detail})
        case Document(text=str(text)):
            return write_part(Text(f"{part.name}\n\n{text}" if part.name else text), is_assistant)
        case Document() if not is_assistant:
            return _without_none({"type": "input_file", **_file(part), "filename": part.name})
    message = f"{type(part).__name__.lower()} cannot be said in this place of an OpenAI request; send it as text"
    raise Inexpressible(message, "input")


def _image(image: Image) -> Wire:
    if image.data is not None:
        return {"image_url": f"data:{image.media_type or ''};base64,{image.data}"}
    return {"image_url": image.url} if image.url is not None else {"file_id": held_at("OpenAI", image.file_id, "input")}


def _file(document: Document) -> Wire:
    if document.data is not None:
        head = f"data:{document.media_type};base64," if document.media_type else ""
        return {"file_data": head + document.data}
    return (
        {"file_url": document.url}
        if document.url is not None
        else {"file_id": held_at("OpenAI", document.file_id, "input")}
    )


def _without_none(wire: Wire) -> Wire:
    return {name: value for name, value in wire.items() if value is not None}
