"""What one box can carry: requests a second of this shape, at the number of conversations its memory has room for.

A request holds the card for the reading of its prompt, and for its share of every step it takes part in.
"""

from decimal import Decimal

import msgspec

from earthward.sizing.gpus import Gpu
from earthward.sizing.memory import most_slots, needed_bytes
from earthward.sizing.models import Model
from earthward.sizing.speed import DECODE_ERROR, PROMPT_ERROR, prompt_seconds, step_seconds

MONTH_SECONDS = 730 * 3600
OFFLOADED_SLOTS = 1


class Capacity(msgspec.Struct, frozen=True):
    """Of one box. `tokens_per_second` is of output with all slots busy, `single` with one; `requests_per_second` may
    really lie between `low` and `high`. `slots` is 1 where the model does not fit and the CPU does the rest."""

    fits: bool
    on_card: float
    needed_bytes: int
    usable_bytes: int
    slots: int
    single: float
    tokens_per_second: float
    first_token_seconds: float
    requests_per_second: float
    low: float
    high: float


def capacity(
    model: Model, gpu: Gpu, *, input_tokens: float, output_tokens: float, context: int | None = None, slots: int = 16
) -> Capacity:
    """`context` is what each conversation has room for, by default twice what a request takes; `slots` the most."""
    room = context or max(2048, int(2 * (input_tokens + output_tokens)))
    usable = gpu.usable_bytes
    found = most_slots(model, usable, room, most=slots)
    needed = needed_bytes(model, room, max(found, 1))
    on_card = 1.0 if found else max(0.0, 1 - (needed - usable) / model.weight_bytes)
    used = found or OFFLOADED_SLOTS
    depth = int(input_tokens + output_tokens / 2)
    step = step_seconds(model, gpu, depth, used, on_card)
    prompt = prompt_seconds(model, gpu, input_tokens)
    decode = output_tokens * step / used
    return Capacity(
        fits=bool(found),
        on_card=on_card,
        needed_bytes=needed,
        usable_bytes=usable,
        slots=used,
        single=1 / step_seconds(model, gpu, depth, 1, on_card),
        tokens_per_second=used / step,
        first_token_seconds=prompt,
        requests_per_second=_inverse(prompt + decode),
        low=_inverse(prompt * (1 + PROMPT_ERROR) + decode * (1 + DECODE_ERROR)),
        high=_inverse(prompt / (1 + PROMPT_ERROR) + decode / (1 + DECODE_ERROR)),
    )


def monthly(requests_per_second: float, *, peak_factor: Decimal, headroom: Decimal) -> Decimal:
    """Requests a month that a box carries whose busiest moments are `peak_factor` times the average, with `headroom`
    (0.3 is 30 %) left free even then."""
    return Decimal(requests_per_second) * MONTH_SECONDS * (1 - headroom) / peak_factor


def _inverse(seconds: float) -> float:
    return 1 / seconds if seconds > 0 else 0.0
