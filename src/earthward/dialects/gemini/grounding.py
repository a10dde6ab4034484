"""What an answer rests on: chunks, each with where it is from, and supports, each a piece of text with its chunks.

Places in a text are counted in bytes here, and within one part.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from earthward.chat import Citation
from earthward.dialects.wire_values import number_of, object_of, objects_in, text_of, without

Wire = dict[str, Any]

_READ = frozenset({"groundingChunks", "groundingSupports"})
_QUOTED = "citation"
"""What stands in the list of sources that the answer repeats at length."""


class Sources(msgspec.Struct, frozen=True):
    """The two fields of a candidate that tell of them."""

    grounding: Any = None
    citations: Any = None


def read_sources(sources: Sources, parts: list[str]) -> tuple[Citation, ...]:
    """`parts` are the texts of the candidate's parts, empty for those that are none; the answer says all of them."""
    if not sources.grounding and not sources.citations:
        return ()
    grounding, quoted = object_of(sources.grounding), object_of(sources.citations)
    chunks = [_chunk(wire) for wire in objects_in(grounding.get("groundingChunks"))]
    found, supported = [], set[int]()
    for support in objects_in(grounding.get("groundingSupports")):
        start, end = _span(object_of(support.get("segment")), parts)
        indices = support.get("groundingChunkIndices")
        for index in indices if isinstance(indices, list) else ():
            place = number_of(index)
            if place is not None and place < len(chunks):
                supported.add(place)
                found.append(msgspec.structs.replace(chunks[place], start=start, end=end))
    found += [chunk for place, chunk in enumerate(chunks) if place not in supported]
    # The Gemini API and Vertex AI have two names for it.
    for name in ("citations", "citationSources"):
        found += [_quoted(wire, "".join(parts)) for wire in objects_in(quoted.get(name))]
    return each_once(found)


def unread_grounding(wire: Any) -> list[str]:
    """The names of what it tells besides: what was searched for, and what Google wants shown with it."""
    return [f"groundingMetadata.{name}" for name, told in object_of(wire).items() if told and name not in _READ]


def can_cite(citation: Citation) -> bool:
    return bool(citation.url or citation.title or citation.quote)


class Place(msgspec.Struct, frozen=True):
    """`start` and `end` are characters of the text of part number `part`."""

    citation: Citation
    text: str
    part: int = 0


def grounding(places: Iterable[Place]) -> Wire | None:
    """None if nothing is cited. What has no place in the text is a chunk that supports nothing."""
    chunks: dict[tuple[Any, ...], tuple[int, Wire]] = {}
    supports: dict[tuple[int, int, int], Wire] = {}
    for each in places:
        citation = each.citation
        if not can_cite(citation):
            continue
        source = citation.url, citation.title, citation.quote
        place, _ = chunks.setdefault(source, (len(chunks), _wire_chunk(citation)))
        if citation.start is None or not each.text:
            continue
        start, end = citation.span(len(each.text))
        support = supports.setdefault((each.part, start, end), _support(each, start, end))
        if place not in support["groundingChunkIndices"]:
            support["groundingChunkIndices"].append(place)
    if not chunks:
        return None
    return {"groundingChunks": [chunk for _, chunk in chunks.values()], "groundingSupports": list(supports.values())}


def _chunk(wire: Wire) -> Citation:
    """One says one thing. Of a kind that is not known only that it was there."""
    kind, about = next(((name, value) for name, value in wire.items() if isinstance(value, dict)), ("", {}))
    url = text_of(about.get("uri")) or text_of(about.get("sourceUri"))
    rest = without(about, "uri", "sourceUri", "title", "text")
    return Citation(None, None, url, text_of(about.get("title")), text_of(about.get("text")), kind, rest)


def _quoted(wire: Wire, text: str) -> Citation:
    start, end = _characters(text, number_of(wire.get("startIndex")) or 0, number_of(wire.get("endIndex")))
    rest = without(wire, "startIndex", "endIndex", "uri", "title")
    return Citation(start, end, text_of(wire.get("uri")), text_of(wire.get("title")), None, _QUOTED, rest)


def _span(segment: Wire, parts: list[str]) -> tuple[int | None, int | None]:
    """The piece in all the text together. What it says itself counts for more than where it says that it stands."""
    part = number_of(segment.get("partIndex")) or 0
    own = parts[part] if part < len(parts) else ""
    before, text = ("".join(parts[:part]), own) if own else ("", "".join(parts))
    start, end = _characters(text, number_of(segment.get("startIndex")) or 0, number_of(segment.get("endIndex")))
    said = text_of(segment.get("text"))
    if said and (start is None or text[start:end] != said):
        whole = "".join(parts)
        place = whole.find(said)
        return (place, place + len(said)) if place >= 0 else (None, None)
    return (None, None) if start is None or end is None else (len(before) + start, len(before) + end)


def _characters(text: str, start: int, end: int | None) -> tuple[int | None, int | None]:
    """Of places in bytes; none of those that are not in the text."""
    data = text.encode()
    if end is None or not start <= end <= len(data):
        return None, None
    return len(data[:start].decode(errors="ignore")), len(data[:end].decode(errors="ignore"))


def each_once(citations: list[Citation]) -> tuple[Citation, ...]:
    """What is told again is told once."""
    return tuple({(it.start, it.end, it.url, it.title, it.quote, it.kind): it for it in citations}.values())


def _wire_chunk(citation: Citation) -> Wire:
    about = {"uri": citation.url, "title": citation.title}
    if citation.url is not None and citation.kind != "retrievedContext":
        return {"web": without(about)}
    return {"retrievedContext": without({**about, "text": citation.quote})}


def _support(each: Place, start: int, end: int) -> Wire:
    first, last = (len(each.text[:place].encode()) for place in (start, end))
    place = {"partIndex": each.part} if each.part else {}
    segment = {**place, "startIndex": first, "endIndex": last, "text": each.text[start:end]}
    return {"segment": segment, "groundingChunkIndices": []}
