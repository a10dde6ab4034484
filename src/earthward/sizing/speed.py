"""How fast a GPU generates and reads. Generating is bound by memory, so that half can be told from a table; reading a
prompt is not, so that half is a rough guess with a wide range. Both want to be replaced by a measurement.

A token takes as long as it takes to read the weights it needs and the KV cache, plus a launch per layer. The two
constants of each kind of memory were fitted to 123 published measurements (`python -m earthward.bench.sizing`).
"""

import msgspec

from earthward.sizing.gpus import Gpu, Kind
from earthward.sizing.memory import kv_bytes
from earthward.sizing.models import Model


class Pace(msgspec.Struct, frozen=True):
    """`memory` and `compute` are the shares of a data sheet's figure that are reached; `launch` is seconds a layer."""

    memory: float
    launch: float
    compute: float


PACES: dict[Kind, Pace] = {
    "gddr": Pace(0.85, 56e-6, 0.47),
    "hbm": Pace(0.58, 96e-6, 0.21),
    "unified": Pace(0.835, 60e-6, 0.23),
    "apple": Pace(0.88, 188e-6, 0.61),
}
DECODE_ERROR = 0.34
"""Nine in ten measurements on cards that were left out of the fit lie within this of the estimate."""
PROMPT_ERROR = 0.88
OFFLOAD_BANDWIDTH = 62e9
"""Bytes a second from main memory, for what does not fit on the card; two channels of DDR5 reach about this."""


def read_bytes(model: Model, slots: int) -> float:
    """Weights that one step of `slots` conversations needs. With experts, more conversations wake more of them."""
    if not model.experts:
        return model.weight_bytes
    always = model.active_parameters / model.parameters - model.experts_used / model.experts
    routed = 1 - (1 - model.experts_used / model.experts) ** slots
    return model.weight_bytes * min(1.0, max(0.0, always) + routed)


def step_seconds(model: Model, gpu: Gpu, context: int, slots: int, on_card: float = 1.0) -> float:
    """For one token in each of `slots` conversations with `context` tokens behind them.

    `on_card` is the share of the weights that lies in the GPU's memory; the rest is worked on by the CPU.
    """
    pace = PACES[gpu.kind]
    weights = read_bytes(model, slots)
    moved = weights * on_card + kv_bytes(model, context, slots)
    seconds = moved / (pace.memory * gpu.bandwidth_gb * 1e9) + model.layers * pace.launch
    seconds += weights * (1 - on_card) / OFFLOAD_BANDWIDTH
    return seconds + (slots - 1) * prompt_seconds(model, gpu, 1)


def prompt_seconds(model: Model, gpu: Gpu, tokens: float) -> float:
    """Two operations for each weight and token."""
    return tokens * 2 * model.active_parameters / (PACES[gpu.kind].compute * gpu.tflops * 1e12)
