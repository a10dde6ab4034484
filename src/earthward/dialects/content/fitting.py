"""A request made to fit a target that can do less than was asked, and its answers made to fit what was asked.

What targets lack is data; each lack has one way in which it is made up for.
"""

import msgspec

from earthward.chat import (
    Answer,
    ChatRequest,
    Event,
    Failure,
    FailureKind,
    Message,
    Role,
    Text,
    ToolCall,
    ToolResult,
    lone_text,
)
from earthward.dialects.content.calls import Salvaging, is_first, only_first, salvaged, wrong_arguments
from earthward.dialects.content.free_text import (
    WithFreeText,
    as_functions,
    free_text_tools,
    needs_functions,
    with_free_text,
)
from earthward.dialects.content.lacks import Lack
from earthward.dialects.content.structured import asked_again, held_to
from earthward.dialects.content.tools_in_words import FromWords, from_words, in_words, needs_words, offered

NOT_IN_WORDS = ("logprobs",)
"""What has no meaning for calls that were told in words."""


class Fitted(msgspec.Struct, frozen=True):
    """`sent` is what the target is asked, `asked` what the caller asked.

    `made_up` names what the target can't do and the gateway does in its place, `dropped` what was lost by that. `id`
    is the exchange's, for calls that have none of their own. `free_text` names the tools that take free text and are
    offered as functions.
    """

    sent: ChatRequest
    asked: ChatRequest
    in_words: bool = False
    one_call: bool = False
    is_checked: bool = False
    made_up: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    id: str = ""
    free_text: frozenset[str] = frozenset()

    @property
    def salvages(self) -> bool:
        """Whether text that is a call of a tool becomes one: where it can't have been meant as text."""
        if self.in_words or not self.is_checked or not self.asked.tools:
            return False
        choice, output = self.asked.tool_choice, self.asked.output
        return (choice is None or choice.mode != "none") and (output is None or output.kind == "text")


def fitted(request: ChatRequest, lacks: frozenset[Lack], id: str = "") -> Fitted | Failure:
    """Fails where a lack can't be made up for."""
    several = ("n",) if request.answers > 1 and "several" in lacks else ()
    frees = "free_text" in lacks and needs_functions(request)
    if not request.tools and not frees:
        return Fitted(request, request, False, False, "form" in lacks, several, (), id)
    words = needs_words(request, "tools" not in lacks, "choice" not in lacks)
    one_call = request.parallel_tool_calls is False and bool({"parallel", "tools"} & lacks) and bool(request.tools)
    is_checked = words or "form" in lacks
    told = ("tools" if "tools" in lacks else "tool_choice",) if words else ()
    made_up = (
        *told,
        *(("tools",) if frees and not words else ()),
        *(("parallel_tool_calls",) if one_call else ()),
        *several,
    )
    if words:
        hosted = next((tool.name for tool in offered(request) if tool.kind == "hosted"), None)
        if hosted is not None:
            message = f"the hosted tool {hosted!r} runs at its vendor only; offer a function in its place"
            return Failure(FailureKind.UNSUPPORTED, message, param="tools")
        if not offered(request):
            message = "`tool_choice` names a tool that is not among `tools`; offer it, or choose another"
            return Failure(FailureKind.BAD_REQUEST, message, param="tool_choice")
        lost = NOT_IN_WORDS if request.logprobs else ()
        return Fitted(in_words(request), request, True, one_call, is_checked, made_up, lost, id)
    sent = msgspec.structs.replace(request, parallel_tool_calls=None) if one_call else request
    if frees:
        free_text = free_text_tools(request)
        return Fitted(as_functions(sent), request, False, one_call, is_checked, made_up, id=id, free_text=free_text)
    return Fitted(sent, request, False, one_call, is_checked, made_up, id=id)


def restored(fit: Fitted, answer: Answer) -> tuple[Answer | Failure, str | None]:
    """The answer in the caller's terms, and what is wrong with its form, in words for the model."""
    if fit.asked.output is None and not fit.asked.tools and lone_text(answer) is not None:
        # There is no call in it, and no form to hold it to.
        return answer, None
    found = from_words(answer, fit.asked, fit.id) if fit.in_words else _salvaged(fit, answer)
    if isinstance(found, Failure):
        return found, found.message
    if fit.free_text:
        found = with_free_text(found, fit.free_text)
    if fit.one_call:
        found = only_first(found)
    if not fit.is_checked:
        return found, None
    found, wrong = held_to(fit.asked.output, found, fit.asked.sampling.stop)
    return found, wrong or wrong_arguments(found, fit.asked.tools)


def once_more(fit: Fitted, answer: Answer, wrong: str) -> ChatRequest:
    """The request for a second try at an answer whose form was wrong; `answer` is as it came."""
    answer = _salvaged(fit, answer)
    calls = [part for choice in answer.choices[:1] for part in choice.parts if isinstance(part, ToolCall)]
    if not calls:
        again = asked_again(fit.sent, answer, wrong)
        # Where tools are offered engines hold nobody to a form. The model has chosen to answer.
        return msgspec.structs.replace(again, tools=(), tool_choice=None) if again.output is not None else again
    told = Text(f"{wrong}. Nothing was done. Call again, with arguments that match the schema.")
    results = tuple(ToolResult(call.id, (told,), call.name, is_error=True) for call in calls)
    turns = (Message(Role.ASSISTANT, tuple(calls)), Message(Role.TOOL, results))
    return msgspec.structs.replace(fit.sent, messages=(*fit.sent.messages, *turns), stream=False, answers=1)


def _salvaged(fit: Fitted, answer: Answer) -> Answer:
    return salvaged(answer, offered(fit.asked), fit.id) if fit.salvages else answer


class Restoring:
    """The events of a stream in the caller's terms. The form of what is read as it comes can't be checked."""

    def __init__(self, fit: Fitted) -> None:
        self._words: FromWords | Salvaging | None = None
        if fit.in_words:
            self._words = FromWords(fit.asked, fit.id)
        elif fit.salvages:
            self._words = Salvaging(offered(fit.asked), fit.id)
        self._free_text = WithFreeText(fit.free_text) if fit.free_text else None
        self._one_call = fit.one_call

    def feed(self, event: Event) -> list[Event]:
        events = [event] if self._words is None else self._words.feed(event)
        if self._free_text is not None:
            events = [freed for each in events for freed in self._free_text.feed(each)]
        return [each for each in events if is_first(each)] if self._one_call else events


def restoring(fit: Fitted) -> Restoring | None:
    """None if the events are the caller's as they come."""
    return Restoring(fit) if fit.in_words or fit.one_call or fit.salvages or fit.free_text else None
