"""Which of a provider's endpoints serves a request. Each file here that has a `NAME` is one policy, known by that name.

Endpoints that are out come last, whatever the policy: with all of them out the one that was best is tried all the same.
One on trial comes first, or it might never be found to be well again: it looks the worst of all.
"""

import importlib
import pkgutil
from collections.abc import Sequence

from earthward.routing.balance.view import Ask, Choice, Endpoint, Policy


def _discovered() -> dict[str, Policy]:
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    policies = [module for module in modules if hasattr(module, "NAME")]
    return {policy.NAME: policy.order for policy in sorted(policies, key=lambda policy: str(policy.NAME))}


def choices(policy: Policy, endpoints: Sequence[Endpoint], ask: Ask) -> list[Choice]:
    """All of them, best first, each with its score and the reason."""
    able = [endpoint for endpoint in endpoints if not endpoint.out and not endpoint.is_on_trial]
    ordered = policy(able, ask) if able else []
    if len(able) == len(endpoints):
        return ordered
    first = [Choice(it.place, float("-inf"), "on trial") for it in endpoints if it.is_on_trial and not it.out]
    last = [Choice(it.place, float("inf"), it.out) for it in endpoints if it.out]
    return first + ordered + last


POLICIES: dict[str, Policy] = _discovered()
