"""Events of a stream that differ from one another in their text alone, sent on without being decoded.

Servers write the same fields in the same order in every chunk. Once one was decoded, and it is certain where in its
bytes the text stands, a later one of which every other byte is the same says the same but for the text, as long as
that is plain: no escape, no quote, no control character, valid UTF-8. All else is left to whoever decodes.
"""

MOST_LEARNED = 64
"""How often in one stream another event is learned that the next ones may be like."""
_QUOTE = b'"'
# Of a number it is asked at once whether it is in bytes; of bytes only after an exception that nobody sees.
_BACKSLASH = ord("\\")
_OBFUSCATION = b'"obfuscation":"'
"""OpenAI pads chunks with a field of random letters, so that their size tells nothing of their text."""
_END = b"\n\n"


class Alike:
    """Knows one event, as it came and as it was sent on."""

    __slots__ = ("_after", "_before", "_pad", "_sent_after", "_sent_before", "_sent_pad", "_start")

    def __init__(self, before: bytes, after: bytes, sent_before: bytes, sent_after: bytes) -> None:
        self._before = before
        self._start = len(before)
        self._sent_before = sent_before
        self._after, self._pad = _padded(after)
        self._sent_after, self._sent_pad = _padded(sent_after)

    def passed(self, event: bytes) -> tuple[bytes, int] | None:
        """What is sent on of a whole event, and how many characters it says; None if it is not alike."""
        if not event.startswith(self._before):
            return None
        end = event.find(_QUOTE, self._start)
        text = event[self._start : end]
        if _BACKSLASH in text:
            return None
        pad = b""
        if self._pad is not None:
            pad = event[end + len(self._after) : len(event) - len(self._pad)]
            if not (event.startswith(self._after, end) and event.endswith(self._pad) and (not pad or pad.isalnum())):
                return None
        elif event[end:] != self._after:
            return None
        try:
            said = text.decode()
        except UnicodeDecodeError:
            return None
        if not said.isprintable():
            return None
        if self._sent_pad is None:
            return b"".join((self._sent_before, text, self._sent_after)), len(said)
        return b"".join((self._sent_before, text, self._sent_after, pad, self._sent_pad)), len(said)


def alike(block: bytes, sent: bytes, key: bytes, text: str) -> Alike | None:
    """What later events are held against, given a block as it came and as it was sent on, of which it is known that
    it has the string `text` under a key of that name; None if it can't be told for certain where.

    Without a backslash in it a quoted name that is followed by a colon and a quote is a key, and the only one of its
    name. What is sent on must not depend on the text.
    """
    told = text.encode()
    if _BACKSLASH in block or _QUOTE in told or not text.isprintable():
        return None
    came = _around(block + _END, key, told)
    went = _around(sent, key, told)
    return Alike(*came, *went) if came is not None and went is not None else None


def _around(event: bytes, key: bytes, text: bytes) -> tuple[bytes, bytes] | None:
    name = b'"%b"' % key
    start = event.find(name) + len(name) + 2
    if event.count(name) != 1 or not event.startswith(b':"%b"' % text, start - 2):
        return None
    return event[:start], event[start + len(text) :]


def _padded(after: bytes) -> tuple[bytes, bytes | None]:
    """What stands before the padding and behind it, if there is any."""
    start = after.find(_OBFUSCATION) + len(_OBFUSCATION)
    if after.count(_OBFUSCATION) != 1:
        return after, None
    return after[:start], after[after.index(_QUOTE, start) :]
