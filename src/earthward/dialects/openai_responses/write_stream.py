"""Events written as a stream of this dialect: every item with an index of its own, opened, filled and closed.

Items follow one another. Only the calls of tools may be open together, where their arguments come interleaved.
"""

from typing import Any

import msgspec

from earthward.chat import (
    Citation,
    Cited,
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
from earthward.dialects import sse
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_responses.annotations import wire_annotation
from earthward.dialects.openai_responses.answer import (
    Wire,
    call_item,
    message_item,
    output_text,
    reasoning_item,
    unique,
)
from earthward.dialects.openai_responses.errors import error_fields, failed_code
from earthward.dialects.openai_responses.finish import written_status
from earthward.dialects.openai_responses.ids import item_id
from earthward.dialects.openai_responses.response import NOTHING_SAID, Response
from earthward.dialects.openai_responses.stream_end import BROKEN_OFF

_ENCODE = msgspec.json.Encoder().encode


class _Open:
    """An item under way. `parts` are the contents that are whole, `texts` the pieces of the one that is not.

    `said` is how much of the answer's text came before that one.
    """

    def __init__(self, kind: str, id: str, place: int) -> None:
        self.kind, self.id, self.place = kind, id, place
        self.parts: list[Wire] = []
        self.part: str | None = None
        self.texts: list[str] = []
        self.logprobs: list[Any] = []
        self.annotations: list[Wire] = []
        self.said = 0
        self.signature: str | None = None
        self.call: ToolCall | None = None

    @property
    def text(self) -> str:
        return "".join(self.texts)


class StreamWriter:
    """`id` and `created` (a Unix time in seconds) are of the response; `echoed` is what `echo` gave for the request.

    One answer is written; there is no room for others. After a failure nothing more comes out. `has_lost` is whether
    something was cited when no text was open any more.
    """

    def __init__(self, model: str, id: str, created: int, echoed: Wire = NOTHING_SAID) -> None:
        self._response = Response(id, model, created, echoed)
        self._number = 0
        self._output: list[Wire | None] = []
        self._item: _Open | None = None
        self._calls: dict[int, _Open] = {}
        self._call_ids: set[str] = set()
        self._has_begun = False
        self._usage = Usage()
        self._finished: Finished | None = None
        self._has_failed = False
        self._said = 0
        self.has_lost = False

    def write(self, event: Event) -> bytes:
        if self._has_failed:
            return b""
        match event:
            case TextDelta(text, 0, logprobs) if text or logprobs:
                return self._begun() + self._text(text, logprobs)
            case Cited(citation, 0):
                return self._annotation(citation)
            case RefusalDelta(text, 0) if text:
                return self._begun() + self._refusal(text)
            case ReasoningDelta(text, 0, signature) if text or signature:
                return self._begun() + self._thought(text, signature)
            case ToolCallStarted(answer=0):
                return self._begun() + self._started_call(event)
            case ToolCallDelta(call, arguments, 0):
                return self._arguments(call, arguments) if arguments else b""
            case Started():
                return self._begun()
            case UsageReported(usage):
                self._usage = usage
            case Finished(answer=0):
                self._finished = event
                return self._begun() + self._closed() + self._closed_calls()
            case Failed(failure):
                return self._failed(failure)
        return b""

    def end(self) -> bytes:
        """The last event, with the whole response; an error if the answer was left unfinished."""
        if self._has_failed:
            return b""
        if self._finished is None:
            return self.write(Failed(BROKEN_OFF))
        status = written_status(self._finished.reason)
        output = [item for item in self._output if item is not None]
        response = self._response.object(status, output, self._usage, self._finished.reason)
        return self._event(f"response.{status}", response=response)

    # -- the parts of an answer ----------------------------------------------------------------------------------

    def _text(self, text: str, logprobs: Any) -> bytes:
        written, item = self._opened("message")
        written += self._opened_part(item, "output_text", output_text(""))
        item.texts.append(text)
        self._said += len(text)
        item.logprobs += logprobs or ()
        about = self._about(item, content_index=len(item.parts))
        return written + self._event("response.output_text.delta", **about, delta=text, logprobs=logprobs or [])

    def _annotation(self, citation: Citation) -> bytes:
        item = self._item
        if item is None or item.part != "output_text":
            self.has_lost = True
            return b""
        written = b""
        for wire in wire_annotation(citation.moved(-item.said), self._said - item.said):
            about = self._about(item, content_index=len(item.parts), annotation_index=len(item.annotations))
            item.annotations.append(wire)
            written += self._event("response.output_text.annotation.added", **about, annotation=wire)
        return written

    def _refusal(self, text: str) -> bytes:
        written, item = self._opened("message")
        written += self._opened_part(item, "refusal", {"type": "refusal", "refusal": ""})
        item.texts.append(text)
        about = self._about(item, content_index=len(item.parts))
        return written + self._event("response.refusal.delta", **about, delta=text)

    def _thought(self, text: str, signature: str | None) -> bytes:
        """A signature is the last thing said of a thought."""
        written = self._closed() if self._item is not None and self._item.signature is not None else b""
        opened, item = self._opened("reasoning")
        written += opened
        if text:
            if item.part is None:
                item.part = "summary_text"
                part = {"type": "summary_text", "text": ""}
                written += self._event("response.reasoning_summary_part.added", **self._summary(item), part=part)
            item.texts.append(text)
            written += self._event("response.reasoning_summary_text.delta", **self._summary(item), delta=text)
        item.signature = signature or item.signature
        return written

    def _started_call(self, event: ToolCallStarted) -> bytes:
        written = self._closed() + self._closed_calls()
        item = self._new("custom_tool_call" if event.custom else "function_call")
        item.call = ToolCall(unique(event.id, self._call_ids), event.name, "", event.custom)
        self._calls[event.call] = item
        added = call_item(item.id, item.call, "in_progress")
        return written + self._event("response.output_item.added", output_index=item.place, item=added)

    def _arguments(self, call: int, arguments: str) -> bytes:
        item = self._calls.get(call)
        if item is None:
            # More arguments for a call whose arguments were whole already.
            return b""
        item.texts.append(arguments)
        kind = "custom_tool_call_input" if item.kind == "custom_tool_call" else "function_call_arguments"
        return self._event(f"response.{kind}.delta", **self._about(item), delta=arguments)

    # -- items, opened and closed --------------------------------------------------------------------------------

    def _begun(self) -> bytes:
        if self._has_begun:
            return b""
        self._has_begun = True
        response = self._response.object("in_progress", [])
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def _new(self, kind: str) -> _Open:
        place = len(self._output)
        self._output.append(None)
        return _Open(kind, item_id(kind, self._response.id, place), place)

    def _opened(self, kind: str) -> tuple[bytes, _Open]:
        if self._item is not None and self._item.kind == kind:
            return b"", self._item
        written = self._closed() + self._closed_calls()
        item = self._item = self._new(kind)
        added = (
            message_item(item.id, "in_progress", [])
            if kind == "message"
            else {**reasoning_item(item.id, "", None), "status": "in_progress"}
        )
        return written + self._event("response.output_item.added", output_index=item.place, item=added), item

    def _opened_part(self, item: _Open, kind: str, part: Wire) -> bytes:
        if item.part == kind:
            return b""
        written = self._closed_part(item)
        item.part, item.said = kind, self._said
        about = self._about(item, content_index=len(item.parts))
        return written + self._event("response.content_part.added", **about, part=part)

    def _closed_part(self, item: _Open) -> bytes:
        about = self._about(item, content_index=len(item.parts))
        match item.part:
            case "output_text":
                part = output_text(item.text, item.logprobs, item.annotations)
                done = {"text": item.text, "logprobs": item.logprobs}
                written = self._event("response.output_text.done", **about, **done)
            case "refusal":
                part = {"type": "refusal", "refusal": item.text}
                written = self._event("response.refusal.done", **about, refusal=item.text)
            case _:
                return b""
        written += self._event("response.content_part.done", **about, part=part)
        item.parts.append(part)
        item.part, item.texts, item.logprobs, item.annotations = None, [], [], []
        return written

    def _closed(self) -> bytes:
        item, self._item = self._item, None
        if item is None:
            return b""
        written = b""
        if item.kind == "message":
            written += self._closed_part(item)
            status = "completed" if self._finished is None else written_status(self._finished.reason)
            whole = message_item(item.id, status, item.parts)
        else:
            whole = reasoning_item(item.id, item.text, item.signature)
            if item.part is not None:
                part = {"type": "summary_text", "text": item.text}
                written += self._event("response.reasoning_summary_text.done", **self._summary(item), text=item.text)
                written += self._event("response.reasoning_summary_part.done", **self._summary(item), part=part)
        return written + self._done(item, whole)

    def _closed_calls(self) -> bytes:
        """Of those that are open, the calls to which nothing can be added; at the end, all."""
        is_over = self._finished is not None
        over = [number for number, item in self._calls.items() if is_over or _is_whole(item)]
        return b"".join(map(self._closed_call, over))

    def _closed_call(self, number: int) -> bytes:
        item = self._calls[number]
        assert item.call is not None
        # Some clients read nothing but the pieces, and none is no JSON.
        empty = b"" if item.text or item.call.custom else self._arguments(number, "{}")
        del self._calls[number]
        call = msgspec.structs.replace(item.call, arguments=item.text)
        if call.custom:
            written = self._event("response.custom_tool_call_input.done", **self._about(item), input=item.text)
        else:
            done = {"name": call.name, "arguments": item.text}
            written = empty + self._event("response.function_call_arguments.done", **self._about(item), **done)
        is_cut = self._finished is not None and written_status(self._finished.reason) == "incomplete"
        status = "incomplete" if is_cut and not _is_whole(item) else "completed"
        return written + self._done(item, call_item(item.id, call, status))

    def _done(self, item: _Open, whole: Wire) -> bytes:
        self._output[item.place] = whole
        return self._event("response.output_item.done", output_index=item.place, item=whole)

    # -- events --------------------------------------------------------------------------------------------------

    def _failed(self, failure: Failure) -> bytes:
        """Some clients look for the response that failed, others raise on an event that is an error."""
        written = self._begun()
        self._has_failed = True
        output = [item for item in self._output if item is not None]
        response = self._response.object("failed", output, self._usage, error=failed_code(failure))
        written += self._event("response.failed", response=response)
        return written + self._event("error", **error_fields(failure))

    def _about(self, item: _Open, **more: int) -> Wire:
        return {"item_id": item.id, "output_index": item.place, **more}

    def _summary(self, item: _Open) -> Wire:
        return self._about(item, summary_index=0)

    def _event(self, type: str, **fields: Any) -> bytes:
        wire = {"type": type, "sequence_number": self._number, **fields}
        self._number += 1
        return sse.event(_ENCODE(wire), type)


def _is_whole(item: _Open) -> bool:
    """Whether the arguments are an object already; free text can always go on."""
    text = item.text
    if item.kind == "custom_tool_call" or not text.rstrip().endswith("}"):
        return False
    try:
        msgspec.json.decode(text)
    except NOT_JSON:
        return False
    return True


def error_event(failure: Failure, number: int = 0) -> bytes:
    """The last event of a stream that only passed through and cannot be finished; the SDKs raise on it.

    `number` is that of the next event.
    """
    return sse.event(_ENCODE({"type": "error", "sequence_number": number, **error_fields(failure)}), "error")
