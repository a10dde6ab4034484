"""Events written as a stream of chunks."""

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
    ToolCallDelta,
    ToolCallStarted,
    Unread,
    Usage,
    UsageReported,
)
from earthward.dialects.openai_chat.annotations import wire_annotation
from earthward.dialects.openai_chat.errors import error_event
from earthward.dialects.openai_chat.finish import written_reason
from earthward.dialects.openai_chat.stream_end import BROKEN_OFF, DONE
from earthward.dialects.openai_chat.usage import wire_usage

_ENCODE = msgspec.json.Encoder().encode
_ROLE = b'{"role":"assistant","content":""}'


class StreamWriter:
    """`created` is a Unix time in seconds; `functions` is for a client that still speaks of them instead of tools.

    Each answer begins with a chunk that holds its role. After a failure nothing more comes out.
    """

    def __init__(self, model: str, include_usage: bool, id: str, created: int, functions: bool = False) -> None:
        self._about = {"id": id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._include_usage = include_usage
        self._functions = functions
        self._usage = Usage()
        self._custom_calls: set[tuple[int, int]] = set()
        self._citations: dict[int, list[Citation]] = {}
        self._open: set[int] = set()
        self._finished: set[int] = set()
        self._has_failed = False
        self._head = b""
        self._tail = b'}],"usage":null}\n\n' if include_usage else b"}]}\n\n"
        self._begin({})

    def write(self, event: Event) -> bytes:
        if self._has_failed:
            return b""
        match event:
            case TextDelta(text, answer, logprobs):
                wire_logprobs = _ENCODE({"content": logprobs, "refusal": None}) if logprobs else b"null"
                return self._delta(answer, b'{"content":%b}' % _ENCODE(text), wire_logprobs)
            case Cited(citation, answer):
                self._citations.setdefault(answer, []).append(citation)
                return b""
            case ReasoningDelta(text, answer):
                wire_text = _ENCODE(text)
                # Clients know the one or the other name. A signature alone means nothing here.
                wire = b'{"reasoning":%b,"reasoning_content":%b}' % (wire_text, wire_text)
                return self._delta(answer, wire) if text else b""
            case RefusalDelta(text, answer):
                return self._delta(answer, b'{"refusal":%b}' % _ENCODE(text))
            case ToolCallStarted() | ToolCallDelta() if self._functions and event.call > 0:
                # There is room for one call only in an answer of that age.
                return b""
            case ToolCallStarted():
                return self._delta(event.answer, _ENCODE(self._started_call(event)))
            case ToolCallDelta():
                return self._delta(event.answer, _ENCODE(self._arguments(event)))
            case Finished(reason, answer):
                opened = self._opened(answer) + self._annotations(answer)
                self._finished.add(answer)
                wire_reason = _ENCODE(written_reason(reason, self._functions))
                return opened + self._chunk(answer, b"{}", b"null", wire_reason)
            case Started():
                self._begin(event.rest)
                return self._opened(0)
            case UsageReported(usage):
                self._usage = usage
                return b""
            case Failed(failure):
                self._has_failed = True
                return error_event(failure)
            case Unread():
                return b""

    def end(self) -> bytes:
        """The usage if it was asked for, and `[DONE]`; an error if an answer was left unfinished.

        The SDKs take a stream that only stops for a whole one.
        """
        if self._has_failed:
            return b""
        if not self._finished or self._open != self._finished:
            return self.write(Failed(BROKEN_OFF))
        return self._usage_chunk() + DONE

    def _annotations(self, answer: int) -> bytes:
        """All in one chunk: the SDK puts lists together by numbers, which these have none of."""
        wires: list[dict[str, Any]] = []
        for citation in self._citations.pop(answer, ()):
            wires += wire_annotation(citation, citation.start, citation.end)
        return self._delta(answer, _ENCODE({"annotations": wires})) if wires else b""

    def _begin(self, rest: dict[str, Any]) -> None:
        self._about = {**rest, **self._about}
        self._head = b"data: " + _ENCODE(self._about)[:-1] + b',"choices":[{"index":'

    def _opened(self, answer: int) -> bytes:
        if answer in self._open:
            return b""
        self._open.add(answer)
        return self._chunk(answer, _ROLE, b"null", b"null")

    def _delta(self, answer: int, delta: bytes, logprobs: bytes = b"null") -> bytes:
        chunk = self._chunk(answer, delta, logprobs, b"null")
        return chunk if answer in self._open else self._opened(answer) + chunk

    def _chunk(self, answer: int, delta: bytes, logprobs: bytes, reason: bytes) -> bytes:
        return b'%b%d,"delta":%b,"logprobs":%b,"finish_reason":%b%b' % (
            self._head,
            answer,
            delta,
            logprobs,
            reason,
            self._tail,
        )

    def _started_call(self, event: ToolCallStarted) -> dict[str, Any]:
        if self._functions:
            return {"function_call": {"name": event.name, "arguments": ""}}
        call: dict[str, Any] = {"index": event.call, "id": event.id}
        if event.custom:
            self._custom_calls.add((event.answer, event.call))
            call |= {"type": "custom", "custom": {"name": event.name, "input": ""}}
        else:
            call |= {"type": "function", "function": {"name": event.name, "arguments": ""}}
        return {"tool_calls": [call]}

    def _arguments(self, event: ToolCallDelta) -> dict[str, Any]:
        if self._functions:
            return {"function_call": {"arguments": event.arguments}}
        if (event.answer, event.call) in self._custom_calls:
            return {"tool_calls": [{"index": event.call, "custom": {"input": event.arguments}}]}
        return {"tool_calls": [{"index": event.call, "function": {"arguments": event.arguments}}]}

    def _usage_chunk(self) -> bytes:
        usage = wire_usage(self._usage) if self._include_usage else None
        if usage is None:
            return b""
        return b"data: %b\n\n" % _ENCODE({**self._about, "choices": [], "usage": usage})
