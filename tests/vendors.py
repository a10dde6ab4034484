"""A simulated vendor of each dialect, and how a configuration names it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callers import DIALECTS
from harness import Simulator, running

MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-sonnet-4-5", "ollama": "llama"}
_ON_DISK = json.dumps({"name": "llama", "capabilities": ["completion", "tools", "thinking"]})
_PROVIDERS = {
    "openai": 'kind: {kind}, base_url: "{url}/v1", eject_after: 1000',
    "anthropic": 'kind: anthropic, base_url: "{url}", zone: {zone}, eject_after: 1000',
    "ollama": 'kind: ollama, endpoints: [{{url: "{url}", slots: 512}}], zone: {zone}, eject_after: 1000',
}


def simulator(folder: Path, name: str, *arguments: str) -> Simulator:
    """On a machine where nobody waits for a place."""
    return Simulator(folder, "--bodies", "--slots", "512", "--disk", _ON_DISK, *arguments, name=name)


@contextmanager
def one_of_each(folder: Path, where: str) -> Iterator[dict[str, Simulator]]:
    vendors = {dialect: simulator(folder, f"{where}-{dialect}") for dialect in DIALECTS}
    with running(*vendors.values()):
        yield vendors


def provider(dialect: str, url: str, zone: str, extra: str = "", key: str = "env:UPSTREAM_KEY") -> str:
    """A provider's settings, as the configuration has them. Whatever is not in the cloud is sent no key."""
    kind = "openai" if zone == "cloud" else "openai_compatible"
    stated = _PROVIDERS[dialect].format(kind=kind, url=url, zone=zone)
    needs_key = key and dialect != "ollama" and (zone == "cloud" or dialect == "anthropic")
    return f"{{{stated}{f', api_key: {key}' if needs_key else ''}{extra}}}"
