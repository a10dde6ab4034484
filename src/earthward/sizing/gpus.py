"""Graphics cards and machines with unified memory, from a table of vendors' figures. Prices are what a card was seen
for, with the source; nobody should decide on them without a quote."""

from functools import cache
from importlib.resources import files
from typing import Literal, TypeVar

import msgspec

GIB = 2**30
MARGIN = 3 * GIB // 2
"""Kept free: what a driver context takes, and the margin an engine leaves when it fits layers."""
USABLE_OF_SHARED = 0.75
"""Of the memory that a system shares with its GPU; 70 to 78 % are seen."""

T = TypeVar("T")

Kind = Literal["gddr", "hbm", "unified", "apple"]


class UnknownName(LookupError):
    """A name that the table doesn't have. The message lists near ones."""


class Gpu(msgspec.Struct, frozen=True):
    """`memory_gib` in GiB, `bandwidth_gb` in 10^9 bytes a second, `tflops` dense FP16, `watts` the vendor's maximum,
    `prices` as (low, high, where seen) in US dollars."""

    name: str
    kind: Kind
    memory_gib: float
    bandwidth_gb: float
    tflops: float
    watts: int | None = None
    prices: tuple[tuple[int, int, str], ...] = ()
    source: str = ""

    @property
    def usable_bytes(self) -> int:
        whole = int(self.memory_gib * GIB)
        return int(whole * USABLE_OF_SHARED) if self.kind in ("apple", "unified") else whole - MARGIN


@cache
def gpus() -> dict[str, Gpu]:
    text = (files("earthward.sizing") / "data/gpus.json").read_bytes()
    return {gpu.name: gpu for gpu in msgspec.json.decode(text, type=list[Gpu])}


def gpu(name: str) -> Gpu:
    """By its name, whatever its case. Raises UnknownName."""
    return named(gpus(), name, "GPU")


def named(known: dict[str, T], name: str, what: str) -> T:
    by_lower = {it.lower(): value for it, value in known.items()}
    found = by_lower.get(name.lower())
    if found is None:
        words = name.lower().split()
        near = [it for it in known if any(word in it.lower() for word in words)] or list(known)
        raise UnknownName(f"no {what} called {name!r} is in the table; known are, for example: {', '.join(near[:8])}")
    return found
