import pytest

from earthward.sizing.gpus import GIB, UnknownName, gpu, gpus
from earthward.sizing.memory import compute_bytes, kv_bytes, most_slots, needed_bytes
from earthward.sizing.models import model, models

MIB = 2**20


def test_the_cache_of_an_8b_model_is_what_its_engine_logs() -> None:
    assert kv_bytes(model("llama3.1:8b"), 512, 1) == 64 * MIB


def test_working_buffers_are_what_an_engine_logs() -> None:
    assert compute_bytes(model("llama3.1:8b")) == pytest.approx(258.5 * MIB, rel=1e-3)


def test_layers_with_a_window_keep_the_window_of_each_conversation() -> None:
    # 36 layers of gpt-oss 120b: half whole, 18 with a window of 128, four conversations sharing 65,536 tokens.
    whole, windowed = 2304 * MIB, 36 * MIB
    assert kv_bytes(model("gpt-oss:120b"), 65_536 // 4, 4) == whole + windowed


def test_eight_bits_take_34_bytes_for_32_numbers() -> None:
    it = model("llama3.1:8b")
    assert kv_bytes(it, 8192, 1, "q8_0") * 64 == kv_bytes(it, 8192, 1) * 34


def test_an_input_embedding_of_its_own_stays_off_the_card() -> None:
    it = model("llama3.1:8b")
    assert it.file_bytes - it.weight_bytes == pytest.approx(281.8 * MIB, rel=1e-3)


def test_70b_does_not_fit_24_gib_and_8b_does_several_times() -> None:
    card = gpu("rtx 4090")
    assert most_slots(model("llama3.3:70b"), card.usable_bytes, 2048) == 0
    assert most_slots(model("llama3.1:8b"), card.usable_bytes, 4096) >= 8


def test_slots_are_the_most_that_fit() -> None:
    it, usable = model("qwen2.5-coder:32b"), gpu("RTX 4090").usable_bytes
    slots = most_slots(it, usable, 4096)
    assert needed_bytes(it, 4096, slots) <= usable < needed_bytes(it, 4096, slots + 1)


def test_33b_does_not_fit_16_gib() -> None:
    assert model("deepseek-coder:33b").file_bytes > 16 * GIB


def test_an_unknown_name_is_told_with_names_like_it() -> None:
    with pytest.raises(UnknownName, match="RTX 4090"):
        gpu("RTX 4099")
    with pytest.raises(UnknownName, match="llama"):
        model("llama9:1b")


def test_every_card_and_every_model_has_figures_that_can_be() -> None:
    assert all(it.memory_gib > 0 and it.bandwidth_gb > 0 and it.tflops > 0 and it.source for it in gpus().values())
    assert all(it.file_bytes * 8 / it.parameters > 3.5 for it in models().values())
