import pytest

from earthward.bench.sizing import errors, measured
from earthward.sizing.gpus import gpu
from earthward.sizing.models import model
from earthward.sizing.speed import DECODE_ERROR, read_bytes, step_seconds


def test_the_estimate_is_as_near_to_published_measurements_as_it_says() -> None:
    found = sorted(errors(measured()))
    assert found[len(found) // 2] < 0.10
    assert found[int(0.9 * len(found))] < DECODE_ERROR


def test_70b_on_a_card_it_does_not_fit_is_as_slow_as_measured() -> None:
    seconds = step_seconds(model("llama3.3:70b"), gpu("RTX 4090"), 512, 1, on_card=0.55)
    assert 1 / seconds == pytest.approx(3.10, rel=0.1)


def test_conversations_at_once_share_the_reading_of_the_weights() -> None:
    it, card = model("llama3.1:8b"), gpu("RTX 4090")
    one, eight = step_seconds(it, card, 512, 1), step_seconds(it, card, 512, 8)
    assert one < eight < 8 * one


def test_more_conversations_wake_more_experts() -> None:
    it = model("gpt-oss:20b")
    assert read_bytes(it, 1) < read_bytes(it, 8) < it.weight_bytes
