"""Which weights stand behind the name of a model at each host: a tag that is pulled anew is another model."""

from collections.abc import Mapping

Weights = dict[str, dict[str, str]]
"""By model and by host, the digest."""


def is_another(seen: Mapping[str, Mapping[str, str]], told: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether some host has weights now that no host had by that name. The first that are told of a name are not other
    ones; nor are those of a host that follows the others."""
    return any(
        digest not in seen[name].values() for name, hosts in told.items() if seen.get(name) for digest in hosts.values()
    )


def brought_up_to(seen: Weights, told: Weights) -> Weights:
    """What was seen, with what is told. A host that is away keeps what it had."""
    return {name: {**seen.get(name, {}), **told.get(name, {})} for name in {**seen, **told}}
