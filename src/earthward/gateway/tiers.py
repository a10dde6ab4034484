"""How much context one request needs of a target, in tokens, and with how much a host is asked."""

from typing import TYPE_CHECKING

from earthward.chat import ChatRequest, Failure, FailureKind
from earthward.chat.usage import Source
from earthward.config.snapshot import Target
from earthward.gateway.balancing import Wanted
from earthward.gateway.doors.door import Question
from earthward.gateway.doors.exit import Heard, Listener
from earthward.gateway.exact import CHATS
from earthward.routing.context import Lengths
from earthward.routing.tiers import Need, asked_for, contexts, least, next_after, size_of

if TYPE_CHECKING:
    from earthward.gateway.serving import ServingTarget

TOO_LITTLE = frozenset({FailureKind.CONTEXT_LENGTH, FailureKind.PROMPT_CUT})


def context_for(question: Question, target: Target, lengths: Lengths) -> int | None:
    """With how much context the target's model is asked for; None where its hosts choose.

    Vectors are asked for with the greatest: of many texts each must fit by itself, and their lengths are not known.
    """
    if not target.tiers or question.door.operation not in CHATS:
        return target.context
    return least(target, _need(question, target, lengths))


def at_place(target: "ServingTarget", place: int, wanted: Wanted) -> int:
    """With how much context the model is asked for there: what it has, where that is enough."""
    return asked_for(target.target, target.provider.balancing.context_for(place, wanted))


def learn(question: Question, target: Target, lengths: Lengths, heard: Heard | Listener | None) -> None:
    """Takes in how long the answer became, where nobody had said how long it may."""
    chat = question.chat if target.tiers and question.door.operation in CHATS else None
    if heard is None or not isinstance(chat, ChatRequest) or chat.max_tokens is not None:
        return
    if heard.usage.output.source is Source.REPORTED:
        # What the context cut off would have become nobody knows how long.
        lengths.learn_answer(target.model, heard.usage.output.tokens * (2 if heard.finish_reason == "length" else 1))


def reason(question: Question, target: Target, lengths: Lengths) -> str:
    """Why it is so much, for people; empty where there is nothing to choose."""
    if not target.tiers or question.door.operation not in CHATS:
        return ""
    need, tiers = _need(question, target, lengths), contexts(target)
    which = "least" if need.prompt + need.answer <= tiers[-1] else "greatest"
    sizes = ", ".join(f"{size:,}" for size in tiers)
    return f"the {which} of {sizes} for about {need.prompt:,} tokens of prompt and {need.answer:,} of answer"


def more(question: Question, target: Target, lengths: Lengths, context: int, failure: Failure) -> int | None:
    """With how much to ask again, after a host has said that `context` is too little; None if there is no more."""
    if failure.kind not in TOO_LITTLE or not target.tiers:
        return None
    return next_after(target, context, failure.message, _need(question, target, lengths).answer)


def _need(question: Question, target: Target, lengths: Lengths) -> Need:
    chat, model = question.chat, target.model
    if isinstance(chat, Failure):
        # What can't be read is passed on as it is, such as a prompt without a template.
        return Need(lengths.at_most(model, question.glance.characters, 1), lengths.answer(model))
    return need_of(chat, model, lengths)


def need_of(chat: ChatRequest, model: str, lengths: Lengths) -> Need:
    size = size_of(chat)
    prompt = lengths.at_most(model, size.characters, size.messages) + size.tokens
    return Need(prompt, lengths.answer(model) if chat.max_tokens is None else chat.max_tokens)
