"""Signs that Ollama has cut off a part of a prompt, or an answer for want of room, without saying so."""

from typing import Literal

Sign = Literal["prompt_below_estimate", "prompt_fills_context", "answer_fills_context"]

_SURELY_LESS = 0.6
"""Estimates from characters are right within a third for most text."""

_NEARLY_ALL = 0.98


def was_truncated(
    prompt_eval_count: int | None,
    num_ctx: int,
    num_predict: int | None = None,
    *,
    eval_count: int = 0,
    done_reason: str | None = None,
    estimate: int | None = None,
) -> Sign | None:
    """The sign by which the model did not see all that was sent, or could not say all it had to; None without one.

    All in tokens. `prompt_eval_count` is what Ollama counted, after truncation; `estimate` is our own count, before.
    Signs are no proof: they are for alarms, the cure is `truncate: false`.
    """
    if prompt_eval_count is None:
        return None
    if estimate is not None and prompt_eval_count < estimate * _SURELY_LESS:
        return "prompt_below_estimate"
    if prompt_eval_count >= num_ctx * _NEARLY_ALL:
        return "prompt_fills_context"
    reached_its_cap = num_predict is not None and 0 <= num_predict <= eval_count
    if done_reason == "length" and not reached_its_cap and prompt_eval_count + eval_count >= num_ctx:
        return "answer_fills_context"
    return None
