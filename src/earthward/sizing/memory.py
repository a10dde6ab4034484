"""What a model takes in a GPU's memory: weights, the KV cache of all slots, working buffers. In bytes."""

from earthward.sizing.models import Model

KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
"""Of one element of the cache."""
BATCH = 512
"""Tokens that are worked on at once (llama.cpp's ubatch)."""
CELLS = 256


def kv_bytes(model: Model, context: int, slots: int, kv: str = "f16") -> int:
    """Of `slots` conversations with `context` tokens each. Layers with a window keep little more than the window."""
    per_layer = 2 * model.kv_heads * model.head_size * KV_BYTES[kv]
    whole = (model.layers - model.window_layers) * context * slots
    windowed = model.window_layers * min(context * slots, _padded(model.window * slots + BATCH))
    return int(per_layer * (whole + windowed))


def _padded(cells: int) -> int:
    return -(-cells // CELLS) * CELLS


def compute_bytes(model: Model) -> int:
    """Working buffers with flash attention: the activations of one batch, and its logits."""
    return 4 * BATCH * (model.embedding + model.vocabulary)


def needed_bytes(model: Model, context: int, slots: int, kv: str = "f16") -> int:
    return model.weight_bytes + kv_bytes(model, context, slots, kv) + compute_bytes(model)


def most_slots(model: Model, usable: int, context: int, kv: str = "f16", most: int = 64) -> int:
    """How many conversations fit beside each other; 0 if the model alone does not."""
    return next((slots for slots in range(most, 0, -1) if needed_bytes(model, context, slots, kv) <= usable), 0)
