"""The models the simulated vendors offer, at their list prices."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from earthward.simulator.machine import Machine


class Model(msgspec.Struct, frozen=True):
    """`input`, `output` and `cached` are US dollars per million tokens, as text; `context` is in tokens.

    `written` is the price of input stored in a cache, where that has one. `dated` is the name a vendor's answers
    carry when the undated one was asked for, `longest` the most tokens it can answer, `facts` what its host knows.
    """

    name: str
    dated: str
    context: int
    input: str
    output: str
    cached: str
    owner: str = "openai"
    written: str | None = None
    longest: int | None = None
    facts: Any = None


# List prices of OpenAI's standard tier, from https://openai.com/api/pricing/ as kept by the package genai-prices
# 0.2.3; a test compares the two.
OPENAI = (
    Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", 128_000, "0.15", "0.60", "0.075"),
    Model("gpt-4o", "gpt-4o-2024-08-06", 128_000, "2.50", "10", "1.25"),
    Model("gpt-4.1", "gpt-4.1-2025-04-14", 1_000_000, "2", "8", "0.50"),
    Model("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", 1_000_000, "0.40", "1.60", "0.10"),
    Model("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", 1_000_000, "0.10", "0.40", "0.025"),
    Model("gpt-5", "gpt-5-2025-08-07", 400_000, "1.25", "10", "0.125"),
    Model("gpt-5-mini", "gpt-5-mini-2025-08-07", 400_000, "0.25", "2", "0.025"),
    Model("gpt-5-nano", "gpt-5-nano-2025-08-07", 400_000, "0.05", "0.40", "0.005"),
)


# As above, of Anthropic, from https://www.anthropic.com/pricing; caches are written for five minutes.
ANTHROPIC = (
    Model("claude-opus-5", "claude-opus-5", 1_000_000, "5", "25", "0.50", "anthropic", "6.25", 128_000),
    Model("claude-opus-4-8", "claude-opus-4-8", 1_000_000, "5", "25", "0.50", "anthropic", "6.25", 128_000),
    Model("claude-opus-4-5", "claude-opus-4-5-20251101", 200_000, "5", "25", "0.50", "anthropic", "6.25", 64_000),
    Model("claude-opus-4-1", "claude-opus-4-1-20250805", 200_000, "15", "75", "1.50", "anthropic", "18.75", 32_000),
    Model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 200_000, "3", "15", "0.30", "anthropic", "3.75", 64_000),
    Model("claude-sonnet-4-0", "claude-sonnet-4-20250514", 200_000, "3", "15", "0.30", "anthropic", "3.75", 64_000),
    Model("claude-haiku-4-5", "claude-haiku-4-5-20251001", 200_000, "1", "5", "0.10", "anthropic", "1.25", 64_000),
    Model("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022", 200_000, "0.80", "4", "0.08", "anthropic", "1", 8192),
    Model("claude-3-haiku", "claude-3-haiku-20240307", 200_000, "0.25", "1.25", "0.03", "anthropic", "0.30", 4096),
)


# As above, of Google's Gemini API, from https://ai.google.dev/gemini-api/docs/pricing; of two tiers the lower.
GOOGLE = (
    Model("gemini-2.5-flash", "gemini-2.5-flash", 1_048_576, "0.30", "2.50", "0.03", "google", None, 65_536),
    Model("gemini-2.5-flash-lite", "gemini-2.5-flash-lite", 1_048_576, "0.10", "0.40", "0.01", "google", None, 65_536),
    Model("gemini-2.5-pro", "gemini-2.5-pro", 1_048_576, "1.25", "10", "0.125", "google", None, 65_536),
    Model("gemini-2.0-flash", "gemini-2.0-flash", 1_048_576, "0.10", "0.40", "0.025", "google", None, 8192),
    Model("gemini-3-pro-preview", "gemini-3-pro-preview", 1_048_576, "2", "12", "0.20", "google", None, 65_536),
)


def house(name: str) -> Model:
    """A model as an OpenAI-compatible server in the house has it: undated, and nobody sends a bill."""
    return Model(name, name, 131_072, "0", "0", "0", "house")


ALL = (*OPENAI, *ANTHROPIC, *GOOGLE, house("llama"))

_DATE = re.compile(r"-(\d{4}-\d\d-\d\d|\d{8})$")


class Offer:
    """The models one simulator knows, by name, dated or not. Those of the house are every vendor's.

    `machine` is where models run that are on a disk.
    """

    def __init__(self, models: Iterable[Model] = ALL, machine: Machine | None = None) -> None:
        self.models = tuple(models)
        self.machine = machine or Machine()
        self._by_name = {model.name: model for model in self.models} | {model.dated: model for model in self.models}

    def find(self, name: str, owner: str | None = None) -> Model | None:
        found = self._by_name.get(name) or self._by_name.get(_DATE.sub("", name))
        return found if found and (owner is None or found.owner in (owner, "house")) else None

    def of(self, owner: str) -> tuple[Model, ...]:
        return tuple(model for model in self.models if model.owner in (owner, "house"))


def nano_dollars(model: Model, input: int, cached: int, output: int, written: int = 0) -> int:
    """What a request costs at list price. `input` includes the `cached` and the `written` tokens.

    A dollar per million tokens is 1,000 nano-dollars a token, so prices of up to three decimals stay whole.
    """
    fresh, again, said = (_nano_dollars_a_token(price) for price in (model.input, model.cached, model.output))
    stored = fresh if model.written is None else _nano_dollars_a_token(model.written)
    return (input - cached - written) * fresh + cached * again + written * stored + output * said


@cache
def _nano_dollars_a_token(price: str) -> int:
    whole, _, part = price.partition(".")
    return int(whole) * 1000 + int(part.ljust(3, "0") or 0)
