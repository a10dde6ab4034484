"""How many tokens a prompt has: told by who would answer it, or estimated from its characters, and marked so.

Counted for the target that would serve the prompt, under the same rules: what may not leave is not sent out to be
counted either. Nothing is billed, and nothing of it is evidence in a rollout.
"""

from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import msgspec

from earthward.chat import ChatRequest, Count, Failure, FailureKind, Usage
from earthward.chat.failures import ANOTHER_MAY_SERVE
from earthward.dialects import openai_chat, openai_responses
from earthward.dialects.anthropic_messages import count_at_vertex
from earthward.dialects.anthropic_messages import count_tokens as anthropic
from earthward.dialects.gemini import count_tokens as gemini
from earthward.dialects.openai_chat import tokenize as vllm
from earthward.gateway.crossing import Crossing, WholeTranslation, Written
from earthward.gateway.decide import Decision
from earthward.gateway.doors.counts import CountDoor
from earthward.gateway.doors.door import Question
from earthward.gateway.doors.exit import Heard
from earthward.gateway.refused import Refused
from earthward.gateway.terms import may_pass, unfetched
from earthward.gateway.unstreamed import Unstreamed

if TYPE_CHECKING:
    from earthward.gateway.exchange import Exchange
    from earthward.gateway.serving import ServingTarget

HEADER = b"x-earthward-count"
ESTIMATED_AFTER = ANOTHER_MAY_SERVE | {
    FailureKind.UNSUPPORTED,
    FailureKind.NO_SUCH_PATH,
    FailureKind.METHOD_NOT_ALLOWED,
    FailureKind.NO_TARGET,
}
"""Failures to count that say nothing of the prompt: who was asked can't count, or can't be reached."""
NO_PATH = (404, 405, 501)
NOT_COUNTED = ("stream", "max_tokens")
"""What Anthropic refuses in a question for a count, and callers leave there who ask with the request for an answer."""
_NONE = Count.reported(0)
_UNUSED = Usage(_NONE, _NONE, _NONE, _NONE, _NONE)
_COUNTED_BY_OPENAI = ("model", "input", "instructions", "tools", "tool_choice", "text", "reasoning", "truncation")
_COUNTED_BY_VLLM = ("model", "messages", "tools", "chat_template_kwargs")
_COUNTED_BY_ENGINE = ("model", "messages", "tools", "tool_choice", "chat_template_kwargs", "reasoning_effort")


def estimate(exchange: "Exchange", question: Question, decision: Decision) -> bytes:
    """As the counts of the target's model have taught so far."""
    target = _first(exchange, decision)
    model = target.target.model if target is not None else question.glance.model
    tokens = exchange.worker.lengths.tokens(model, question.glance.characters)
    return cast("CountDoor", question.door).write_count(max(1, tokens))


def check(question: Question) -> None:
    """Raises Refused for what can't be read: its count would be of nothing that can be sent."""
    chat = question.chat
    if isinstance(chat, Failure) and chat.kind is FailureKind.BAD_REQUEST:
        raise Refused(chat)


def can_ask(exchange: "Exchange", decision: Decision) -> bool:
    """Whether the target that would serve the prompt can be asked for a count."""
    target = _first(exchange, decision)
    return target is not None and target.can("count")


def for_a_count(decision: Decision) -> Decision:
    """The same decision, as none that counts for an arm, and with nobody else to ask."""
    plan = msgspec.structs.replace(decision.plan, arm="only", share=0, bucket=-1, attempts=decision.plan.attempts[:1])
    return msgspec.structs.replace(decision, plan=plan, unit="")


def of_a_count(failure: Failure) -> Failure:
    """A path for counts that is not there says nothing of how its target answers."""
    is_missing = failure.kind is FailureKind.UPSTREAM_ERROR and failure.status in NO_PATH
    return msgspec.structs.replace(failure, kind=FailureKind.NO_SUCH_PATH) if is_missing else failure


def counting(question: Question, target: "ServingTarget") -> Crossing:
    return _Counting(question, target)


class _Counting(Unstreamed):
    def __init__(self, question: Question, target: "ServingTarget") -> None:
        self._question = question
        self._target = target

    def request(self) -> Written | Failure:
        question, target = self._question, self._target
        both = question.door.dialect == target.dialect == "anthropic_messages"
        if both and may_pass(question, target.terms):
            passed = question.envelope.without(*NOT_COUNTED).with_fields(model=target.target.model)
            return Written(_at(target, passed.encode()))
        chat = question.chat
        if isinstance(chat, Failure):
            return chat
        refusal = unfetched(chat, target.terms)
        if refusal is not None:
            return refusal
        asked = msgspec.structs.replace(chat, model=target.target.model, stream=False, stream_usage=False)
        body = _written(asked, target)
        return body if isinstance(body, Failure) else Written(_at(target, body))

    def whole(self, body: bytes) -> Heard:
        found = read_count(self._target, body)
        if isinstance(found, Failure):
            return WholeTranslation(b"", failure=found)
        return WholeTranslation(cast("CountDoor", self._question.door).write_count(found), _UNUSED)


def read_count(target: "ServingTarget", body: bytes) -> int | Failure:
    """What was counted, out of an answer of this target's."""
    if target.provider.engine == "vllm":
        return vllm.read_count(body)
    return READERS[target.dialect](body)


def path_of_tokenizer(url: str) -> bytes:
    """Where a vLLM at this base URL counts: beside `/v1`, not under it."""
    return (urlsplit(url).path.rstrip("/").removesuffix("/v1") + "/tokenize").encode("ascii")


READERS = {
    "anthropic_messages": anthropic.read_count,
    "gemini": gemini.read_count,
    "openai_chat": openai_responses.read_count,
    "openai_responses": openai_responses.read_count,
}
"""llama.cpp answers for its chats in the words of OpenAI's responses."""


def _written(chat: ChatRequest, target: "ServingTarget") -> bytes | Failure:
    match target.dialect:
        case "anthropic_messages" | "gemini":
            written = target.way.write_request(chat)
            return written if isinstance(written, Failure) else _asking_for_count(target, written)
        case "openai_chat" if target.provider.engine == "vllm":
            return _only(openai_chat.write_request(chat, True), _COUNTED_BY_VLLM)
        case "openai_chat" if target.provider.kind != "openai":
            return _only(openai_chat.write_request(chat, True), _COUNTED_BY_ENGINE)
        case "openai_chat" | "openai_responses":
            return _only(openai_responses.write_request(chat), _COUNTED_BY_OPENAI)
    return Failure(FailureKind.UNSUPPORTED, f"targets that speak {target.dialect} count nothing")


def _asking_for_count(target: "ServingTarget", written: bytes) -> bytes:
    """The question for a count instead of for an answer."""
    if target.dialect == "anthropic_messages":
        return anthropic.count_request(written, target.target.model)
    return written if target.provider.kind == "vertex" else gemini.count_request(written, target.target.model)


def _at(target: "ServingTarget", body: bytes) -> bytes:
    """Claude on Vertex AI is told of its model in another way."""
    if target.dialect == "anthropic_messages" and target.provider.kind == "vertex":
        return count_at_vertex(body)
    return body


def _only(body: bytes | Failure, names: tuple[str, ...]) -> bytes | Failure:
    if isinstance(body, Failure):
        return body
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({name: fields[name] for name in names if name in fields})


def _first(exchange: "Exchange", decision: Decision) -> "ServingTarget | None":
    attempts = decision.plan.attempts
    return exchange.serving.targets[attempts[0][0]] if attempts else None
