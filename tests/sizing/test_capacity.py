from decimal import Decimal

from earthward.sizing.capacity import Capacity, capacity, monthly
from earthward.sizing.gpus import gpu
from earthward.sizing.models import model


def found(name: str = "llama3.1:8b", card: str = "RTX 4090", **of: float) -> Capacity:
    shape = {"input_tokens": 500.0, "output_tokens": 200.0, **of}
    return capacity(model(name), gpu(card), **shape)  # type: ignore[arg-type]


def test_one_4090_cannot_carry_the_playbooks_load_with_the_model_it_names() -> None:
    it = found("llama3.3:70b")
    assert not it.fits
    assert monthly(it.requests_per_second, peak_factor=Decimal(1), headroom=Decimal(0)) < 100_000


def test_one_4090_can_carry_it_with_an_8b_model() -> None:
    it = found()
    assert it.fits
    assert monthly(it.low, peak_factor=Decimal(4), headroom=Decimal("0.3")) > 100_000


def test_longer_answers_and_longer_prompts_take_capacity() -> None:
    assert found(output_tokens=400).requests_per_second < found().requests_per_second
    assert found(input_tokens=5000).requests_per_second < found().requests_per_second


def test_the_estimate_lies_within_its_range() -> None:
    it = found()
    assert it.low < it.requests_per_second < it.high


def test_peaks_and_headroom_are_kept_free() -> None:
    assert monthly(1.0, peak_factor=Decimal(4), headroom=Decimal("0.3")) == 730 * 3600 * 7 / 40


def test_more_room_for_each_conversation_leaves_fewer_of_them() -> None:
    assert found("qwen2.5-coder:32b", context=16_384).slots < found("qwen2.5-coder:32b").slots
