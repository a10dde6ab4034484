"""Bounds on the shape of a JSON document, checked on its bytes before anything is built from it.

Whether the document is JSON at all is for the parser to say: of bytes that are not, an answer here means nothing,
only its cost is bounded.
"""

import codecs

import msgspec

NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON asked for."""

_PIECE = 1 << 20
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ALL_BUT_MARKS = bytes(set(_ALL_BUT_BRACKETS) - set(b'"'))
_CURLY_TO_SQUARE = bytes.maketrans(b"{}", b"[]")

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_UNFOLDED_LEVELS = 3
_SMALL = 4096
"""Bytes of a document that is searched for brackets before anything else; most have few."""


class JsonLimits(msgspec.Struct, frozen=True):
    """`depth` of nested arrays and objects, their number in all, and the number of strings, keys included.

    The two numbers bound what a small body can grow to in memory: 32 MB of `{}` would be ten million objects.
    """

    depth: int = 64
    containers: int = 250_000
    strings: int = 500_000


LIMITS = JsonLimits()


def excess(body: bytes, limits: JsonLimits = LIMITS) -> str | None:
    """What the document has too much of, in words for the caller; None if it keeps the limits."""
    few = min(limits.depth, limits.containers)
    if len(body) <= min(_SMALL, 2 * limits.strings) and body.count(b"{") + body.count(b"[") <= few:
        return None
    if len(body) > 2 * min(limits.containers, limits.strings):
        marks = _marks(body)
        if marks.count(b'"') > 2 * limits.strings:
            return f"more than {limits.strings} strings and keys"
        brackets = _outside_strings(marks)
        if brackets.count(b"[") > limits.containers:
            return f"more than {limits.containers} arrays and objects"
        is_deeper = _does_not_fold(brackets, limits.depth)
    else:
        is_deeper = _is_deeper(body, limits.depth, _UNFOLDED_LEVELS)
    return f"arrays and objects nested more than {limits.depth} deep" if is_deeper else None


def is_utf8(body: bytes) -> bool:
    """msgspec looks at the encoding only of strings it decodes, not of those it skips or keeps raw."""
    if body.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), _PIECE):
            decoder.decode(body[start : start + _PIECE])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _is_deeper(container: bytes, depth: int, unfold: int) -> bool:
    """Every level that is unfolded keeps long texts, which are what takes time, out of the search below it."""
    if len(container.translate(None, _ALL_BUT_BRACKETS)) <= 2 * depth:
        return False
    if depth == 0:
        return True
    if unfold == 0:
        return _does_not_fold(_outside_strings(_marks(container)), depth)
    try:
        inner = _containers_in(container)
    except RecursionError:
        return True
    return any(_is_deeper(value, depth - 1, unfold - 1) for value in inner)


def _containers_in(container: bytes) -> list[bytes]:
    """The arrays and objects among the elements or members; none if it is not JSON."""
    try:
        is_object = container.lstrip().startswith(b"{")
        values = _OBJECT.decode(container).values() if is_object else _ARRAY.decode(container)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return [bytes(value) for value in values if memoryview(value)[0] in b"[{"]


def _marks(body: bytes) -> bytes:
    """Quotes that begin or end a string, and all brackets as square ones."""
    if b'\\"' in body:
        # Pairs of backslashes first: what is left before a quote then escapes it.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return body.translate(_CURLY_TO_SQUARE, _ALL_BUT_MARKS)


def _outside_strings(marks: bytes) -> bytes:
    # Dropping two neighbouring quotes leaves every other mark inside or outside a string as it was.
    marks = marks.replace(b'""', b"")
    return b"".join(marks.split(b'"')[::2]) if b'"' in marks else marks


def _does_not_fold(brackets: bytes, depth: int) -> bool:
    """Takes away the innermost pairs, one level at a time; whether something is left in the end."""
    for _ in range(depth):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)
