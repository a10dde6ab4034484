"""Events written as a stream of lines, for a client of chat or of generate.

Clients of this dialect take only whole tool calls, so these wait until the answer is finished.
"""

from typing import Any

import msgspec

from earthward.chat import (
    Event,
    Failed,
    Failure,
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
from earthward.dialects.ollama.answer import written_calls
from earthward.dialects.ollama.errors import error_line
from earthward.dialects.ollama.finish import written_reason
from earthward.dialects.ollama.stream_end import BROKEN_OFF
from earthward.dialects.ollama.usage import Durations, wire_counters
from earthward.dialects.times import rfc3339

_ENCODE = msgspec.json.Encoder().encode
_NOT_DONE = b',"done":false}\n'
_UNKNOWN = Durations()


class StreamWriter:
    """`created` is a Unix time in seconds. After a failure nothing more comes out.

    Only the first answer is written: clients of this dialect cannot ask for more.
    """

    def __init__(self, model: str, created: float, generate: bool = False) -> None:
        self._about = {"model": model, "created_at": rfc3339(created)}
        self._head = _ENCODE(self._about)[:-1] + b","
        self._generate = generate
        if generate:
            self._content, self._close = b'"response":', b""
        else:
            self._content, self._close = b'"message":{"role":"assistant","content":', b"}"
        self._calls: list[ToolCall] = []
        self._finished: Finished | None = None
        self._usage = Usage()
        self._has_failed = False

    def write(self, event: Event) -> bytes:
        if self._has_failed:
            return b""
        match event:
            case TextDelta(text, 0, logprobs):
                return self._text(text, logprobs)
            case ReasoningDelta(text, 0):
                return self._said(b'"",', b'"thinking":' + _ENCODE(text)) if text else b""
            case RefusalDelta(text, 0):
                return self._text(text, None)
            case ToolCallStarted(_, id, name, 0, custom):
                self._calls.append(ToolCall(id, name, "", custom))
            case ToolCallDelta(call, arguments, 0):
                begun = self._calls[call]
                self._calls[call] = ToolCall(begun.id, begun.name, begun.arguments + arguments, begun.custom)
            case Finished(answer=0):
                self._finished = event
                return self._whole_calls(event)
            case UsageReported(usage):
                self._usage = usage
            case Failed(failure):
                self._has_failed = True
                return error_line(failure)
            case Started() | _:
                pass
        return b""

    def end(self, durations: Durations = _UNKNOWN) -> bytes:
        """The line that says it is done, with all counters; an error if the answer was left unfinished."""
        if self._has_failed:
            return b""
        if self._finished is None:
            return self.write(Failed(BROKEN_OFF))
        empty = {"response": ""} if self._generate else {"message": {"role": "assistant", "content": ""}}
        done = {"done": True, "done_reason": written_reason(self._finished.reason)}
        return _ENCODE({**self._about, **empty, **done, **wire_counters(self._usage, durations)}) + b"\n"

    def _text(self, text: str, logprobs: Any) -> bytes:
        if logprobs:
            return self._said(_ENCODE(text), b"", b',"logprobs":' + _ENCODE(logprobs))
        return b"%b%b%b%b%b" % (self._head, self._content, _ENCODE(text), self._close, _NOT_DONE)

    def _said(self, content: bytes, beside: bytes, after: bytes = b"") -> bytes:
        return b"".join((self._head, self._content, content, beside, self._close, after, _NOT_DONE))

    def _whole_calls(self, finished: Finished) -> bytes:
        wires = written_calls(self._calls, is_cut=finished.reason == "length")
        if isinstance(wires, Failure):
            return self.write(Failed(wires))
        return self._said(b'"",', b'"tool_calls":' + _ENCODE(wires)) if wires else b""
