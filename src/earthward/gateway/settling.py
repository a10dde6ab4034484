"""What is put on record of an exchange when it is over."""

from typing import TYPE_CHECKING

from earthward.chat import Failure
from earthward.dialects import gemini
from earthward.gateway.decide import LONGEST_HINT
from earthward.ledger.record import Record, Status
from earthward.routing.plan import Plan

if TYPE_CHECKING:
    from earthward.gateway.exchange import Exchange

CANCELLED = 499
UNPLANNED = Plan("", "only", 0, -1, (), ())

REASONS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "function_call",
    "content_filter": "content_filter",
    "paused": "paused",
    # Anthropic's words.
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "paused",
    # Google's.
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "paused",
    **dict.fromkeys(gemini.FILTERED, "content_filter"),
    # Those of OpenAI's responses.
    "completed": "stop",
    "max_output_tokens": "length",
    "incomplete": "length",
}
"""Reasons why answers end, in each dialect's words, and the word that the ledger has for them."""


def record_of(exchange: "Exchange", status: Status, http_status: int, failure: Failure | None) -> Record:
    attempts, decision, question, key = exchange.attempts, exchange.decision, exchange.question, exchange.caller.key
    plan = decision.plan if decision is not None else UNPLANNED
    target, heard = attempts.target, attempts.heard
    glance = question.glance if question is not None else None
    # In the order of its fields: by name they take four times as long, and that shows in a profile.
    return Record(
        exchange.id,
        exchange.accepted_at,
        status,
        attempts.queued,
        exchange.first_content,
        exchange.elapsed(),
        exchange.door.dialect,
        exchange.request.path.decode("latin-1"),
        glance.model[:LONGEST_HINT] if glance is not None else "",
        glance is not None and glance.stream,
        key.id,
        key.app,
        key.team,
        exchange.hints.task,
        decision.data_class if decision is not None else exchange.hints.data_class,
        decision.unit if decision is not None else "",
        plan.route,
        plan.arm,
        plan.share,
        plan.stage,
        plan.epoch,
        exchange.serving.snapshot.version,
        target.name if target else "",
        attempts.endpoint,
        target.dialect if target else "",
        target.target.model if target else "",
        attempts.made,
        CANCELLED if status == "cancelled" else http_status,
        failure.kind if failure else None,
        failure.for_the_record if failure else None,
        named_reason(heard.finish_reason) if heard else None,
        attempts.used(),
        glance.characters if glance is not None else 0,
        heard.characters_out if heard else 0,
        attempts.cost(),
        attempts.unsaid,
    )


def named_reason(reason: str | None) -> str | None:
    """The finish reason if it is one of those that are known: an upstream could write anything there."""
    return reason if reason is None else REASONS.get(reason, "other")
