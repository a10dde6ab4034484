"""A simulated vendor of each dialect, and how a configuration names it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callers import DIALECTS
from google_cloud import service_account
from harness import Gateway, Simulator, running

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


CLOUDS = {
    "gemini": "gemini-2.5-flash",
    "vertex": "claude-haiku-4-5",
    "azure": "gpt-4o-mini",
    "responses": "gpt-4o-mini",
}
"""Targets that are always in the cloud, beside those above, and their models. At Vertex AI it is Claude."""
GEMINI_3 = {"gemini-3": "gemini-3-pro-preview"}
"""At Vertex AI, too."""
_CLOUDS = {
    "gemini": 'kind: gemini, base_url: "{url}", api_key: env:UPSTREAM_KEY',
    "vertex": 'kind: vertex, base_url: "{url}", project: acme, location: eu, credentials: {account}',
    "gemini-3": 'kind: vertex, base_url: "{url}", project: acme, location: eu, credentials: {account}',
    "azure": 'kind: azure, base_url: "{url}", api_key: env:UPSTREAM_KEY, api_version: "2024-10-21"',
    "responses": 'kind: openai, base_url: "{url}/v1", api_key: env:UPSTREAM_KEY',
}


def cloud(name: str, url: str, account: Path, extra: str = "") -> str:
    """The settings of a provider that is always in the cloud. `account` is the file of a service account."""
    return f"{{{_CLOUDS[name].format(url=url, account=account)}, eject_after: 1000{extra}}}"


def cloud_target(name: str, provider: str, model: str | None = None) -> str:
    api = ", api: responses" if name == "responses" else ""
    return f'{{provider: {provider}, model: "{model or (CLOUDS | GEMINI_3)[name]}"{api}}}'


@contextmanager
def one_of_each(folder: Path, where: str, names: tuple[str, ...] = DIALECTS) -> Iterator[dict[str, Simulator]]:
    vendors = {dialect: simulator(folder, f"{where}-{dialect}") for dialect in names}
    with running(*vendors.values()):
        yield vendors


@contextmanager
def before_one_of_each(
    folder: Path, names: tuple[str, ...] = DIALECTS, *, zone: str, model: str = "{}"
) -> Iterator[tuple[Gateway, dict[str, Simulator]]]:
    """A gateway, and before whom it stands: a stand-in for each vendor, asked by its name, put into `model`."""
    with one_of_each(folder, "vendor", names) as vendors:
        account = service_account(folder, vendors[names[0]].url)
        settings, targets = {}, {}
        for name, vendor in vendors.items():
            in_cloud = name in _CLOUDS
            settings[name] = cloud(name, vendor.url, account) if in_cloud else provider(name, vendor.url, zone)
            targets[name] = cloud_target(name, name) if in_cloud else f"{{provider: {name}, model: {MODELS[name]}}}"
        lines = [
            *("listen: 127.0.0.1:0", "admin: 127.0.0.1:0", "auth: open", "providers:"),
            *(f"  {name}: {stated}" for name, stated in settings.items()),
            "targets:",
            *(f"  {name}: {stated}" for name, stated in targets.items()),
            "routes:",
            *(f"  - {{name: {name}, when: {{model: {model.format(name)}}}, use: {name}}}" for name in names),
        ]
        gateway = Gateway(folder, "\n".join(lines))
        with running(gateway):
            for name in names:
                # Loading a model would use up an answer that is scripted for a test.
                assert gateway.chat(model.format(name))[0] == 200
            yield gateway, vendors


def provider(dialect: str, url: str, zone: str, extra: str = "", key: str = "env:UPSTREAM_KEY") -> str:
    """A provider's settings, as the configuration has them. Whatever is not in the cloud is sent no key."""
    kind = "openai" if zone == "cloud" else "openai_compatible"
    stated = _PROVIDERS[dialect].format(kind=kind, url=url, zone=zone)
    needs_key = key and dialect != "ollama" and (zone == "cloud" or dialect == "anthropic")
    return f"{{{stated}{f', api_key: {key}' if needs_key else ''}{extra}}}"
