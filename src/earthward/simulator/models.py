"""The models the simulated vendors offer, at their list prices."""

import re
from collections.abc import Iterable
from functools import cache

import msgspec


class Model(msgspec.Struct, frozen=True):
    """`input`, `output` and `cached` are US dollars per million tokens, as text; `context` is in tokens.

    `dated` is the name a vendor's answers carry when the undated one was asked for.
    """

    name: str
    dated: str
    context: int
    input: str
    output: str
    cached: str
    owner: str = "openai"


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


def house(name: str) -> Model:
    """A model as an OpenAI-compatible server in the house has it: undated, and nobody sends a bill."""
    return Model(name, name, 131_072, "0", "0", "0", "house")


ALL = (*OPENAI, house("llama"))

_DATE = re.compile(r"-\d{4}-\d\d-\d\d$")


class Offer:
    """The models one simulator knows, by name, dated or not."""

    def __init__(self, models: Iterable[Model] = ALL) -> None:
        self.models = tuple(models)
        self._by_name = {model.name: model for model in self.models} | {model.dated: model for model in self.models}

    def find(self, name: str) -> Model | None:
        return self._by_name.get(name) or self._by_name.get(_DATE.sub("", name))


def nano_dollars(model: Model, input: int, cached: int, output: int) -> int:
    """What a request costs at list price. `input` includes the `cached` tokens.

    A dollar per million tokens is 1,000 nano-dollars a token, so prices of up to three decimals stay whole.
    """
    fresh, again, said = (_nano_dollars_a_token(price) for price in (model.input, model.cached, model.output))
    return (input - cached) * fresh + cached * again + output * said


@cache
def _nano_dollars_a_token(price: str) -> int:
    whole, _, part = price.partition(".")
    return int(whole) * 1000 + int(part.ljust(3, "0") or 0)
