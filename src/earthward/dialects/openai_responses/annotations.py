"""What a text of an answer rests on, as its annotations: pages of the web, and files that OpenAI holds."""

from typing import Any

from earthward.chat import Citation, Text
from earthward.dialects.wire_values import number_of, objects_in, text_of, without

Wire = dict[str, Any]

_PAGE = "url_citation"
_FILES = ("file_citation", "container_file_citation", "file_path")


def read_annotations(wire: Any) -> tuple[Citation, ...]:
    """Of a kind that is not known only that it was there."""
    return tuple(map(read_annotation, objects_in(wire))) if wire else ()


def read_annotation(wire: Wire) -> Citation:
    start, end = number_of(wire.get("start_index")), number_of(wire.get("end_index"))
    kind = text_of(wire.get("type")) or ""
    match kind:
        case "url_citation":
            return Citation(start, end, text_of(wire.get("url")), text_of(wire.get("title")), kind=kind)
        case "file_citation":
            start = end = number_of(wire.get("index"))
            rest = without(wire, "type", "index", "filename")
        case "container_file_citation":
            rest = without(wire, "type", "start_index", "end_index", "filename")
        case "file_path":
            # Its index is one among files, and none in the text.
            start = end = None
            rest = without(wire, "type", "filename")
        case _:
            return Citation(kind=kind)
    return Citation(start, end, title=text_of(wire.get("filename")), kind=kind, rest=rest)


def can_cite(citation: Citation) -> bool:
    return citation.url is not None or citation.kind in _FILES


def wire_annotations(text: Text) -> list[Wire]:
    return [wire for citation in text.citations for wire in wire_annotation(citation, len(text.text))]


def wire_annotation(citation: Citation, length: int) -> list[Wire]:
    """In a text of that length. None for what this dialect has no words for."""
    start, end = citation.span(length)
    name = {} if citation.title is None else {"filename": citation.title}
    match citation.kind:
        case "file_citation":
            return [{"type": citation.kind, **citation.rest, **name, "index": start}]
        case "container_file_citation":
            return [{"type": citation.kind, **citation.rest, **name, "start_index": start, "end_index": end}]
        case "file_path":
            return [{"type": citation.kind, **citation.rest, **name}]
    if citation.url is None:
        return []
    page = {"start_index": start, "end_index": end, "title": citation.title or "", "url": citation.url}
    return [{"type": _PAGE, **page}]
