"""Claims that are often made of self-hosting, each beside what the formulas here say. A page of the documentation is
made of it, so that the page can't say what the code does not."""

from decimal import Decimal

import msgspec

from earthward.cost.ownership import Cloud, Work, cloud_cost, ownership
from earthward.cost.presets import CLAUDE, PRESETS
from earthward.sizing.capacity import MONTH_SECONDS, capacity
from earthward.sizing.gpus import GIB, gpu
from earthward.sizing.memory import needed_bytes
from earthward.sizing.models import Model, model
from earthward.sizing.speed import PACES

BILLION = Decimal(10**9)


class Claim(msgspec.Struct, frozen=True):
    claim: str
    truth: str
    reason: str


def claims() -> list[Claim]:
    return [_seventy(), _tokens_a_second(), _two_cards(), _coder(), _break_even(), _a_billion(), _a_box_a_year()]


def _size(it: Model) -> str:
    return f"{it.file_bytes / 1e9:.1f} GB ({it.file_bytes / GIB:.1f} GiB)"


def _seventy() -> Claim:
    it, card = model("llama3.3:70b"), gpu("RTX 4090")
    needed = needed_bytes(it, 8192, 1) / GIB
    return Claim(
        "Llama 3.3 70B runs on one RTX 4090",
        "It does not fit",
        f"The file at four bits is {_size(it)}; with 8,192 tokens of context it needs {needed:.1f} GiB, and the card "
        f"has {card.memory_gib:.0f} GiB. What does not fit is left to the CPU.",
    )


def _tokens_a_second() -> Claim:
    it, card = model("llama3.3:70b"), gpu("RTX 4090")
    found = capacity(it, card, input_tokens=500, output_tokens=200)
    ceiling = card.bandwidth_gb * 1e9 / it.weight_bytes
    return Claim(
        "… at 53 tokens a second",
        f"About {found.single:.0f} tokens a second; 3.1 were measured",
        f"Each token reads all weights once: {card.bandwidth_gb:,.0f} GB/s through {it.weight_bytes / 1e9:.0f} GB is a "
        f"ceiling of {ceiling:.0f} even if they fitted, and 53 would take {53 * it.weight_bytes / 1e9:,.0f} GB/s. "
        "(Measured with offload to the CPU: geerlingguy/ai-benchmarks.)",
    )


def _two_cards() -> Claim:
    it, card = model("llama3.3:70b"), gpu("RTX 4090")
    seconds = it.weight_bytes / (PACES[card.kind].memory * card.bandwidth_gb * 1e9)
    return Claim(
        "Two cards are twice as fast",
        "They hold twice as much, and are as fast as one",
        "Split by layers, as llama.cpp does by default, one card waits for the other: two RTX 4090 come to about "
        f"{1 / seconds:.0f} tokens a second for one request with a 70B model. 19 were measured.",
    )


def _coder() -> Claim:
    it, card = model("deepseek-coder:33b"), gpu("RTX 4080")
    return Claim(
        "deepseek-coder 33B fits into 16 GB",
        "It does not fit",
        f"The file is {_size(it)}, the card has {card.memory_gib:.0f} GiB, and the context needs room too.",
    )


def _break_even() -> Claim:
    scenario = PRESETS["playbook"].scenarios[0]
    result = ownership(scenario)
    month = result.months[0]
    return Claim(
        "A $3,600 workstation pays for itself in 12 months",
        f"In {result.break_even:.0f} months",
        f"${result.capex:,.0f} ÷ (${month.cloud:,.0f} - ${month.running:,.0f}) a month. Twelve leaves something out.",
    )


def _bill(cloud: Cloud, into: Decimal, out: Decimal) -> Decimal:
    return cloud_cost(Work(Decimal(1), into, out), cloud, Decimal(1))


def _a_billion() -> Claim:
    both = _bill(CLAUDE, BILLION, BILLION)
    three_quarters = _bill(CLAUDE, BILLION * 3 / 4, BILLION / 4)
    half = _bill(CLAUDE, BILLION / 2, BILLION / 2)
    return Claim(
        f"A billion tokens a year cost ${both:,.0f} at $3 and $15",
        f"${three_quarters:,.0f} to ${half:,.0f}",
        f"${both:,.0f} is a billion in *and* a billion out. A billion in all is ${three_quarters:,.0f} with three "
        f"quarters of it input, ${half:,.0f} with half.",
    )


def _a_box_a_year() -> Claim:
    found = capacity(model("llama3.3:70b"), gpu("RTX 4090"), input_tokens=500, output_tokens=200)
    a_month = found.single * MONTH_SECONDS
    return Claim(
        "Such a box replaces a billion tokens a year",
        f"{a_month * 12 / 1e6:,.0f} million, if it never rests",
        f"{found.single:.1f} tokens a second for a whole month are {a_month / 1e6:.1f} million; a billion a year are "
        f"{1000 / 12:.0f} million a month.",
    )
