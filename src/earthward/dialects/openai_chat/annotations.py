"""What an answer's text rests on, as annotations of its message: pages of the web, and nothing else."""

from collections.abc import Iterable
from typing import Any

from earthward.chat import Citation, Text
from earthward.dialects.wire_values import number_of, object_of, objects_in, text_of, without

Wire = dict[str, Any]


def read_annotations(wire: Any) -> tuple[Citation, ...]:
    """Of a kind that is not known only that it was there."""
    return tuple(map(_citation, objects_in(wire))) if wire else ()


def can_cite(citation: Citation) -> bool:
    return citation.url is not None


def wire_annotations(texts: Iterable[Text]) -> list[Wire]:
    """Of these texts, which the message says one after the other."""
    wires, before = [], 0
    for text in texts:
        for citation in text.citations:
            start, end = citation.span(len(text.text))
            wires += wire_annotation(citation, before + start, before + end)
        before += len(text.text)
    return wires


def wire_annotation(citation: Citation, start: int | None, end: int | None) -> list[Wire]:
    """None for what this dialect has no words for."""
    if citation.url is None:
        return []
    page = {"start_index": start, "end_index": end, "title": citation.title or "", "url": citation.url}
    return [{"type": "url_citation", "url_citation": without(page)}]


def _citation(wire: Wire) -> Citation:
    kind = text_of(wire.get("type")) or ""
    page = object_of(wire.get("url_citation"))
    start, end = number_of(page.get("start_index")), number_of(page.get("end_index"))
    return Citation(start, end, text_of(page.get("url")), text_of(page.get("title")), kind=kind)
