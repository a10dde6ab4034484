"""Signs that something was cut off without a word."""

from typing import Any

import pytest

from earthward.dialects.ollama import was_truncated


@pytest.mark.parametrize(
    ("prompt", "fields", "sign"),
    [
        (None, {"estimate": 9000}, None),
        (1000, {}, None),
        (1000, {"estimate": 1200}, None),
        (1000, {"estimate": 9000}, "prompt_below_estimate"),
        (4095, {}, "prompt_fills_context"),
        (4096, {"estimate": 4100}, "prompt_fills_context"),
        (4000, {}, None),
        (3000, {"eval_count": 1096, "done_reason": "length"}, "answer_fills_context"),
        (3000, {"eval_count": 1096, "done_reason": "stop"}, None),
        (3000, {"eval_count": 1000, "done_reason": "length"}, None),
        (3000, {"eval_count": 1096, "done_reason": "length", "num_predict": 1096}, None),
        (3000, {"eval_count": 1096, "done_reason": "length", "num_predict": 2000}, "answer_fills_context"),
        (3000, {"eval_count": 1096, "done_reason": "length", "num_predict": -1}, "answer_fills_context"),
    ],
)
def test_a_sign_is_told_apart_from_an_answer_that_was_just_long(
    prompt: int | None, fields: dict[str, Any], sign: str | None
) -> None:
    assert was_truncated(prompt, 4096, **fields) == sign
