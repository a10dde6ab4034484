"""Which of a provider's endpoints serves a request. Each file here that has a `NAME` is one policy, known by that name.

Endpoints that are out come last, whatever the policy: with all of them out the one that was best is tried all the same.
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
    able = [endpoint for endpoint in endpoints if not endpoint.out]
    if len(able) == len(endpoints):
        return policy(able, ask) if able else []
    last = [endpoint for endpoint in endpoints if endpoint.out]
    ordered = policy(able, ask) if able else []
    return ordered + [Choice(endpoint.place, float("inf"), endpoint.out) for endpoint in last]


POLICIES: dict[str, Policy] = _discovered()
