"""What a text rests on. Here it is always all of a block's text, so that an answer is cut into blocks by it."""

from typing import Any

import msgspec

from earthward.chat import Citation, Text
from earthward.dialects.wire_values import object_of, objects_in, text_of, without

Wire = dict[str, Any]

_FROM_THE_WEB = "web_search_result_location"
_FOUND = "search_result_location"
_DOCUMENTS = ("char_location", "page_location", "content_block_location")


def read_citations(wire: Any, start: int | None = None, end: int | None = None) -> tuple[Citation, ...]:
    """Of a block whose text goes from `start` to `end`. Of a kind that is not known only that it was there."""
    return tuple(read_citation(each, start, end) for each in objects_in(wire)) if wire else ()


def read_citation(wire: Wire, start: int | None, end: int | None) -> Citation:
    kind, quote = text_of(wire.get("type")) or "", text_of(wire.get("cited_text"))
    title = text_of(wire.get("title"))
    if kind in _DOCUMENTS:
        title, url = text_of(wire.get("document_title")), None
    elif kind == _FROM_THE_WEB:
        url = text_of(wire.get("url"))
    elif kind == _FOUND:
        source = text_of(wire.get("source")) or ""
        url = source if "://" in source else None
    else:
        return Citation(start, end, kind=kind)
    rest = without(wire, "type", "cited_text", "title", "document_title", "url")
    return Citation(start, end, url, title, quote, kind, rest)


def wants_citations(wire: Any) -> bool:
    """What a document says beside its source: whether the answer is to tell what it has from there."""
    return object_of(wire).get("enabled") is True


def can_cite(citation: Citation) -> bool:
    return citation.url is not None or citation.kind in (*_DOCUMENTS, _FOUND)


def can_be_sent(citation: Citation) -> bool:
    """Anthropic takes back what it said itself: of pages of the web only what it had sealed."""
    return citation.kind in (*_DOCUMENTS, _FOUND) or (
        citation.kind == _FROM_THE_WEB and bool(citation.rest.get("encrypted_index"))
    )


def is_unsealed(wire: Any) -> bool:
    """Whether it is a page of another vendor's, as our answers tell of it."""
    return isinstance(wire, dict) and wire.get("type") == _FROM_THE_WEB and not wire.get("encrypted_index")


def wire_citation(citation: Citation) -> Wire:
    """Raises nothing: of what cannot be cited nothing must be asked for."""
    kind, quote = citation.kind, citation.quote or ""
    if kind in _DOCUMENTS:
        return {"type": kind, "cited_text": quote, "document_title": citation.title, **citation.rest}
    if kind == _FOUND:
        return {"type": kind, "cited_text": quote, "title": citation.title, **citation.rest}
    # Only Anthropic can seal where it found a page, and a client needs no more than that it is a string.
    sealed = citation.rest.get("encrypted_index", "") if kind == _FROM_THE_WEB else ""
    page = {"url": citation.url, "title": citation.title, "cited_text": quote, "encrypted_index": sealed}
    return {"type": _FROM_THE_WEB, **page}


def told_citation(citation: Citation) -> Wire:
    """As answers have it, where a document's place in Anthropic's files stands too, if only as null."""
    wire = wire_citation(citation)
    return {"file_id": None, **wire} if citation.kind in _DOCUMENTS else wire


def pieces(text: Text) -> list[Text]:
    """The text cut where what it rests on begins and ends; each piece rests on all that is said of it.

    Of spans that overlap all is said of the first. Blocks of white space alone are refused in a conversation that goes
    on, so that there are none.
    """
    if not text.citations:
        return [text]
    length = len(text.text)
    cut: list[tuple[str, list[Citation]]] = []
    at = 0
    for citation in sorted(text.citations, key=lambda each: each.span(length)):
        start, end = citation.span(length)
        whole = msgspec.structs.replace(citation, start=0, end=end - start)
        if start < at or (start == end == at and cut):
            cut[-1][1].append(whole)
            continue
        # A place alone is the end of what it is about.
        start = at if start == end else start
        end = length if start == end else end
        _add(cut, text.text[at:start], [])
        _add(cut, text.text[start:end], [whole])
        at = end
    _add(cut, text.text[at:], [])
    return [Text(piece, tuple(citations)) for piece, citations in cut]


def _add(cut: list[tuple[str, list[Citation]]], piece: str, citations: list[Citation]) -> None:
    if cut and not (piece.strip() and cut[-1][0].strip()):
        last, cited = cut.pop()
        cut.append((last + piece, [*cited, *citations]))
    elif piece or citations:
        cut.append((piece, citations))
