"""Events written as a stream of pieces, as server-sent events or as one JSON array.

Clients of this dialect take only whole function calls, so these wait until their answer is finished.
"""

from typing import Any

import msgspec

from earthward.chat import (
    Citation,
    Cited,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from earthward.dialects.gemini.answer import finish_fields, usable_parts, wire_parts
from earthward.dialects.gemini.errors import error_body
from earthward.dialects.gemini.finish import written_reason
from earthward.dialects.gemini.grounding import Place, grounding
from earthward.dialects.gemini.logprobs import wire_logprobs
from earthward.dialects.gemini.signatures import write_signature
from earthward.dialects.gemini.stream_end import BROKEN_OFF
from earthward.dialects.gemini.usage import wire_usage

HEARTBEAT = b"\r\n"
"""The SDKs take every other line for data."""

_ENCODE = msgspec.json.Encoder().encode
Wire = dict[str, Any]


class Framing:
    """Documents one after the other: events, or the elements of an array, which must be opened and closed."""

    def __init__(self, array: bool) -> None:
        self._array = array
        self._is_open = False

    def document(self, wire: bytes) -> bytes:
        if not self._array:
            return b"data: %b\r\n\r\n" % wire
        lead = b",\r\n" if self._is_open else b"["
        self._is_open = True
        return lead + wire

    def end(self) -> bytes:
        if not self._array:
            return b""
        return b"]" if self._is_open else b"[]"


class StreamWriter:
    """`array` is for a client that did not ask for events. After a failure nothing more comes out."""

    def __init__(self, model: str, id: str, array: bool = False) -> None:
        self._about = {"modelVersion": model, "responseId": id}
        self._tail = b"," + _ENCODE(self._about)[1:]
        self._framing = Framing(array)
        self._calls: dict[int, list[ToolCall]] = {}
        self._texts: dict[int, list[str]] = {}
        self._citations: dict[int, list[Citation]] = {}
        self._signatures: dict[int, str] = {}
        self._begun: set[int] = set()
        self._finished: dict[int, Finished] = {}
        self._usage = Usage()
        self._has_failed = False

    def write(self, event: Event) -> bytes:
        if self._has_failed:
            return b""
        match event:
            case TextDelta(text, answer, None) if text and answer not in self._signatures:
                self._begun.add(answer)
                self._texts.setdefault(answer, []).append(text)
                return self._text(b'{"text":%b}' % _ENCODE(text), answer)
            case TextDelta(text, answer, logprobs):
                self._texts.setdefault(answer, []).append(text)
                return self._part({"text": text} if text else None, answer, wire_logprobs(logprobs))
            case Cited(citation, answer):
                self._citations.setdefault(answer, []).append(citation)
            case RefusalDelta(text, answer):
                return self._part({"text": text} if text else None, answer)
            case ReasoningDelta():
                return self._thought(event)
            case ToolCallStarted(_, id, name, answer, custom):
                self._begun.add(answer)
                self._calls.setdefault(answer, []).append(ToolCall(id, name, "", custom))
            case ToolCallDelta(call, arguments, answer):
                begun = self._calls[answer][call]
                self._calls[answer][call] = msgspec.structs.replace(begun, arguments=begun.arguments + arguments)
            case Finished(answer=answer):
                self._begun.add(answer)
                self._finished[answer] = event
            case UsageReported(usage):
                self._usage = usage
            case Failed(failure):
                self._has_failed = True
                return self._framing.document(error_body(failure)) + self._framing.end()
            case Started():
                pass
        return b""

    def end(self) -> bytes:
        """The last piece: function calls, what the answers rest on, why they ended, what they used.

        An error if one was left unfinished: the SDKs take a stream that only stops for a whole one.
        """
        if self._has_failed:
            return b""
        if not self._finished or self._begun != self._finished.keys():
            return self.write(Failed(BROKEN_OFF))
        wire: Wire = {"candidates": [self._last(index) for index in sorted(self._finished)]}
        usage = wire_usage(self._usage)
        if usage is not None:
            wire["usageMetadata"] = usage
        return self._framing.document(_ENCODE({**wire, **self._about})) + self._framing.end()

    def _last(self, index: int) -> Wire:
        calls, broken = usable_parts(tuple(self._calls.get(index, ())))
        parts = wire_parts(calls) or [{"text": ""}]
        signature = self._signatures.pop(index, None)
        if signature is not None:
            parts[0]["thoughtSignature"] = signature
        reason = written_reason(self._finished[index].reason)
        last = {"content": {"role": "model", "parts": parts}, **finish_fields(reason, broken), "index": index}
        told = self._grounding(index)
        return last if told is None else {**last, "groundingMetadata": told}

    def _grounding(self, index: int) -> Wire | None:
        """Places are in all of the text, whatever pieces it went out in."""
        citations = self._citations.get(index, ())
        text = "".join(self._texts.get(index, ())) if citations else ""
        return grounding(Place(citation, text) for citation in citations)

    def _thought(self, event: ReasoningDelta) -> bytes:
        written = self._part({"text": event.text, "thought": True}, event.answer) if event.text else b""
        if event.signature:
            self._begun.add(event.answer)
            self._signatures[event.answer] = write_signature(event.signature)
        return written

    def _part(self, part: Wire | None, answer: int, logprobs: Wire | None = None) -> bytes:
        if part is None and logprobs is None:
            return b""
        self._begun.add(answer)
        part = part if part is not None else {"text": ""}
        signature = None if part.get("thought") else self._signatures.pop(answer, None)
        if signature is not None:
            part = {**part, "thoughtSignature": signature}
        if logprobs is None:
            return self._text(_ENCODE(part), answer)
        candidate = {"content": {"role": "model", "parts": [part]}, "index": answer, "logprobsResult": logprobs}
        return self._framing.document(_ENCODE({"candidates": [candidate], **self._about}))

    def _text(self, part: bytes, answer: int) -> bytes:
        return self._framing.document(
            b'{"candidates":[{"content":{"role":"model","parts":[%b]},"index":%d}]%b' % (part, answer, self._tail)
        )
