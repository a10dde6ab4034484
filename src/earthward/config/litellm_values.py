"""Single values of a LiteLLM configuration, as ours says them."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from earthward.config.litellm_vendors import Vendor
from earthward.providers import KINDS
from earthward.providers.hosts import is_local, is_vendor


def variable(given: Any) -> str | None:
    text = str(given)
    return text.removeprefix("os.environ/") if text.startswith("os.environ/") else None


def is_in_the_house(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return is_local(host) and not is_vendor(host)


def context(vendor: Vendor, params: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    tokens = params.get("num_ctx") if vendor.kind == "ollama" else None
    tokens = tokens or info.get("max_input_tokens")
    if isinstance(tokens, int) and tokens > 0:
        found["context"] = tokens
    if vendor.kind == "ollama" and isinstance(params.get("keep_alive"), int | str):
        found["keep_alive"] = params["keep_alive"]
    return found


def price(given: dict[str, Any]) -> dict[str, Any]:
    """Dollars per million tokens, from dollars per token."""
    try:
        prices = [Decimal(str(given[key])) * 1_000_000 for key in ("input_cost_per_token", "output_cost_per_token")]
    except (KeyError, InvalidOperation):
        return {}
    if not all(price.is_finite() and 0 <= price <= 1_000_000 for price in prices):
        return {}
    told = [f"{price:f}".rstrip("0").rstrip(".") if "." in f"{price:f}" else f"{price:f}" for price in prices]
    return {"price": dict(zip(("input", "output"), (Decimal(price) for price in told), strict=True))}


def abilities(vendor: Vendor, info: dict[str, Any]) -> dict[str, Any]:
    """Only where they differ from what the kind is taken to be able to do."""
    kinds = KINDS[vendor.kind].abilities
    said = {"images": info.get("supports_vision"), "tools": info.get("supports_function_calling")}
    has = (kinds | {word for word, is_so in said.items() if is_so is True}) - {
        word for word, is_so in said.items() if is_so is False
    }
    return {} if has == kinds else {"abilities": sorted(has)}


def seconds(params: dict[str, Any]) -> float | None:
    timeout = params.get("timeout")
    return (
        float(timeout) if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0 else None
    )


def variable_for(name: str) -> str:
    """A variable for the key of a model that has none of its own."""
    return "KEY_OF_" + re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def mapped(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
