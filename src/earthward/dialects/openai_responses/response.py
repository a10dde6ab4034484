"""The object every answer of this dialect is, and which says again what was asked for."""

from typing import Any

import msgspec

from earthward.chat import FinishReason, Usage
from earthward.dialects.envelope import Envelope
from earthward.dialects.openai_responses.finish import incomplete_details
from earthward.dialects.openai_responses.usage import wire_usage

Wire = dict[str, Any]

_ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
)
_DEFAULTS: Wire = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
}
NOTHING_SAID: Wire = {}
_NOT_KNOWN = Usage()


def echo(envelope: Envelope) -> Wire:
    """What an answer says again of its request, each as it came in."""
    return {name: envelope.fields[name] for name in _ECHOED if envelope.has(name)}


class Response(msgspec.Struct, frozen=True):
    """What all of an answer's objects have in common. `created` is a Unix time in seconds."""

    id: str
    model: str
    created: int
    echoed: Wire = NOTHING_SAID

    def object(
        self,
        status: str,
        output: list[Wire],
        usage: Usage = _NOT_KNOWN,
        reason: FinishReason | None = None,
        error: Wire | None = None,
    ) -> Wire:
        return {
            **_DEFAULTS,
            **self.echoed,
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": error,
            "incomplete_details": incomplete_details(reason) if reason is not None else None,
            "model": self.model,
            "output": output,
            "usage": wire_usage(usage),
        }
