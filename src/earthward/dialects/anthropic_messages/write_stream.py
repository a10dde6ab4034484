"""Events written as a stream of this dialect: blocks of content one after the other, never two at a time.

Elsewhere the arguments of several tool calls may come interleaved. Then the call begun first is written as it comes,
and what follows waits until its arguments are whole.
"""

from typing import Any, Literal

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
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from earthward.dialects import sse
from earthward.dialects.anthropic_messages.calls import is_whole_input, wire_id
from earthward.dialects.anthropic_messages.citations import can_cite, told_citation
from earthward.dialects.anthropic_messages.errors import error_event
from earthward.dialects.anthropic_messages.finish import written_reason
from earthward.dialects.anthropic_messages.stream_end import BROKEN_OFF
from earthward.dialects.anthropic_messages.usage import wire_usage

Content = TextDelta | RefusalDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta

_ENCODE = msgspec.json.Encoder().encode
_START = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
_DELTA = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"%b_delta","%b":%b}}\n\n'
)
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_TEXT = b'{"type":"text","text":""}'
_THINKING = b'{"type":"thinking","thinking":"","signature":""}'


def message_start(model: str, id: str, input_tokens: int) -> bytes:
    """The event a stream begins with. What was read is an estimate, as the count comes with the last event only."""
    message: dict[str, Any] = {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": input_tokens, "output_tokens": 0},
    }
    return _event({"type": "message_start", "message": message})


class StreamWriter:
    """`input_tokens` is an estimate, to be shown until the count is known. After a failure nothing more comes out.

    One answer is written; there is no room for others. `has_lost` is whether something was cited when no text was open
    any more.
    """

    def __init__(self, model: str, id: str, input_tokens: int = 0) -> None:
        self._message_start = message_start(model, id, input_tokens)
        self._index = 0
        self._kind: Literal["text", "thinking", "tool_use"] | None = None
        self._is_signed = False
        self._call: int | None = None
        self._arguments: list[str] = []
        self._waiting: list[Content] = []
        self._has_refused = False
        self._usage = Usage()
        self._finished: Finished | None = None
        self._has_failed = False
        self.has_lost = False

    def write(self, event: Event) -> bytes:
        if self._has_failed:
            return b""
        match event:
            case TextDelta(text, 0) if self._kind == "text" and text:
                return _DELTA % (self._index, b"text", b"text", _ENCODE(text))
            case Cited(citation, 0):
                return self._citation(citation)
            case Started():
                return self._begun()
            case UsageReported(usage):
                self._usage = usage
            case Failed(failure):
                self._has_failed = True
                return error_event(failure)
            case Finished(answer=0):
                self._finished = event
                return self._begun() + self._finish()
            case TextDelta(answer=0) | RefusalDelta(answer=0) | ReasoningDelta(answer=0):
                return self._begun() + self._content(event)
            case ToolCallStarted(answer=0) | ToolCallDelta(answer=0):
                return self._begun() + self._content(event)
        return b""

    def end(self) -> bytes:
        """Why the answer ended, what it used, and the last event; an error if it was left unfinished.

        The SDKs take a stream that only stops for a whole one.
        """
        if self._has_failed:
            return b""
        if self._finished is None:
            return self.write(Failed(BROKEN_OFF))
        delta = {
            "stop_reason": written_reason(self._finished.reason, self._has_refused),
            "stop_sequence": self._finished.stop_sequence,
        }
        usage = {"output_tokens": 0, **wire_usage(self._usage)}
        return _event({"type": "message_delta", "delta": delta, "usage": usage}) + _MESSAGE_STOP

    def _begun(self) -> bytes:
        start, self._message_start = self._message_start, b""
        return start

    def _finish(self) -> bytes:
        written = self._closed()
        while self._waiting:
            written += self._caught_up() + self._closed()
        return written

    def _content(self, event: Content) -> bytes:
        if _is_empty(event):
            return b""
        if self._must_wait(event):
            self._waiting.append(event)
            return b""
        written = self._written(event)
        if self._waiting and self._is_call_whole():
            written += self._caught_up()
        return written

    def _must_wait(self, event: Content) -> bool:
        if self._call is None or (isinstance(event, ToolCallDelta) and event.call == self._call):
            return False
        return bool(self._waiting) or not self._is_call_whole()

    def _is_call_whole(self) -> bool:
        if not self._arguments or not self._arguments[-1].rstrip().endswith("}"):
            return False
        return is_whole_input("".join(self._arguments))

    def _caught_up(self) -> bytes:
        waiting, self._waiting = self._waiting, []
        return b"".join(map(self._content, waiting))

    def _written(self, event: Content) -> bytes:
        match event:
            case TextDelta(text):
                return self._opened("text", _TEXT) + self._delta(b"text", b"text", text)
            case RefusalDelta(text):
                self._has_refused = True
                return self._opened("text", _TEXT) + self._delta(b"text", b"text", text)
            case ReasoningDelta(text, _, signature):
                return self._thought(text, signature)
            case ToolCallStarted():
                return self._started_call(event)
            case ToolCallDelta(call, arguments) if call == self._call:
                self._arguments.append(arguments)
                return self._delta(b"input_json", b"partial_json", arguments)
        # More arguments for a call whose arguments were whole already.
        return b""

    def _citation(self, citation: Citation) -> bytes:
        if self._kind != "text" or not can_cite(citation):
            self.has_lost = True
            return b""
        return _DELTA % (self._index, b"citations", b"citation", _ENCODE(told_citation(citation)))

    def _thought(self, text: str, signature: str | None) -> bytes:
        """A signature is the last thing said in a block of thinking."""
        written = self._closed() if self._is_signed else b""
        written += self._opened("thinking", _THINKING)
        if text:
            written += self._delta(b"thinking", b"thinking", text)
        if signature:
            self._is_signed = True
            written += self._delta(b"signature", b"signature", signature)
        return written

    def _started_call(self, event: ToolCallStarted) -> bytes:
        call = {"type": "tool_use", "id": wire_id(event.id), "name": event.name, "input": {}}
        written = self._closed() + self._opened("tool_use", _ENCODE(call))
        self._call = event.call
        return written

    def _opened(self, kind: Literal["text", "thinking", "tool_use"], block: bytes) -> bytes:
        if self._kind == kind:
            return b""
        closed = self._closed()
        self._kind = kind
        return closed + _START % (self._index, block)

    def _closed(self) -> bytes:
        last = b""
        match self._kind:
            case None:
                return b""
            case "thinking" if not self._is_signed:
                last = self._delta(b"signature", b"signature", "")
            case "tool_use" if not self._arguments:
                # Some clients read nothing but the pieces, and none is no JSON.
                last = self._delta(b"input_json", b"partial_json", "{}")
        closed = last + _STOP % self._index
        self._index += 1
        self._kind, self._call, self._arguments, self._is_signed = None, None, [], False
        return closed

    def _delta(self, kind: bytes, field: bytes, text: str) -> bytes:
        return _DELTA % (self._index, kind, field, _ENCODE(text))


def _is_empty(event: Content) -> bool:
    match event:
        case TextDelta(text) | RefusalDelta(text):
            return not text
        case ReasoningDelta(text, _, signature):
            return not text and not signature
        case ToolCallDelta(_, arguments):
            return not arguments
    return False


def _event(wire: dict[str, Any]) -> bytes:
    return sse.event(_ENCODE(wire), wire["type"])
