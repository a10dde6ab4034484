"""The first configuration of a machine: from what was found there to a file that serves it, with comments to go on by.

Nothing of today's traffic moves by it: a local model is set beside a cloud model at a share of 0 %.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from earthward.config.litellm_vendors import VENDORS
from earthward.config.task_routes import Task, task_routes
from earthward.config.written import Written, exactly, name_from
from earthward.dialects.ollama import is_cloud_model
from earthward.providers import KINDS

CLOUD: dict[str, tuple[str, tuple[str, ...]]] = {
    "openai": ("OPENAI_API_KEY", ("gpt-4o-mini", "gpt-4o")),
    "anthropic": ("ANTHROPIC_API_KEY", ("claude-haiku-4-5", "claude-sonnet-4-5")),
    "gemini": ("GEMINI_API_KEY", ("gemini-2.5-flash", "gemini-2.5-pro")),
}
"""By kind: the variable with its key, and models to begin with, the smallest first."""

BY_HAND = {
    "GOOGLE_API_KEY": "gemini: {kind: gemini, api_key: env:GOOGLE_API_KEY}",
    **{
        name: f"azure: {{kind: azure, api_key: env:{name}, base_url: https://NAME.openai.azure.com}}"
        for name in ("AZURE_OPENAI_API_KEY", "AZURE_API_KEY")
    },
    "GOOGLE_CLOUD_PROJECT": "vertex: {kind: vertex, project: PROJECT, location: global}",
}
"""What else a variable says could be here, and what only its owner can complete."""
MOST_MODELS = 8
CONTEXT = 16384
STAYS = ["personal", "health", "payment", "secret"]


class LocalModel(msgspec.Struct, frozen=True):
    """A model on this machine; `context` is the longest it can be loaded with, if known."""

    name: str
    size: int | None = None
    context: int | None = None


class LocalServer(msgspec.Struct, frozen=True):
    """`models` are those to chat with, those that fit first."""

    kind: str
    name: str
    url: str
    models: tuple[LocalModel, ...]


class Surroundings(msgspec.Struct, frozen=True):
    """`variables` are the names of environment variables that are set. `lines` say what was found, for the reader."""

    variables: frozenset[str]
    servers: tuple[LocalServer, ...] = ()
    lines: tuple[str, ...] = ()


class _Starter:
    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.providers: dict[str, dict[str, Any]] = {}
        self.targets: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[str]] = {}
        self.local: list[str] = []
        self.afar: set[str] = set()
        self.cloud: dict[str, list[str]] = {}


def starter(around: Surroundings, tasks: Sequence[Task] = ()) -> Written:
    """What to write, with routes for these tasks before the others. It passes `check`, whatever was found."""
    start = _Starter(around)
    _add_clouds(start)
    _add_servers(start)
    if not start.targets:
        _add_examples(start)
    routes = list(_routes(start))
    if tasks:
        routes = _with_tasks(start, tasks, routes)
    notes: dict[str, list[str]] = {
        "auth": ["Callers need a key: `earthward keys create --app NAME`."],
        "routes": ["The first match serves. What matches none is answered with 404."],
        **start.notes,
    }
    return Written(start.providers, start.targets, routes, _head(around), notes, {"listen": LISTEN, "auth": "keys"})


LISTEN = "127.0.0.1:4000"


def _head(around: Surroundings) -> Iterator[str]:
    yield "Made by `earthward init`. All keys: docs/reference/configuration.md."
    yield "`earthward check` tells every mistake; `earthward serve` runs it; a change applies when the file is saved."
    if around.lines:
        yield ""
        yield "Found on this machine:"
        yield from (f"  {line}" for line in around.lines)


def _add_clouds(start: _Starter) -> None:
    for kind, (variable, models) in CLOUD.items():
        if variable in start.around.variables:
            _add_cloud(start, kind, variable, models)
    hosted = [name for name, it in VENDORS.items() if it.base_url and it.key in start.around.variables]
    lines = [f"{VENDORS[name].key} is set: {_hosted(name)}" for name in hosted]
    lines += [f"{name} is set: {line}" for name, line in BY_HAND.items() if name in start.around.variables]
    if lines:
        start.notes["providers"] = lines


def _hosted(name: str) -> str:
    vendor = VENDORS[name]
    return f"{name}: {{kind: openai_compatible, base_url: {vendor.base_url}, api_key: env:{vendor.key}, zone: cloud}}"


def _add_cloud(start: _Starter, kind: str, variable: str, models: tuple[str, ...]) -> None:
    start.providers[kind] = {"kind": kind, "api_key": f"env:{variable}"}
    start.cloud[kind] = list(models)
    for model in models:
        start.targets[model] = {"provider": kind, "model": model}


def _add_servers(start: _Starter) -> None:
    for server in start.around.servers:
        models = [model for model in server.models if not is_cloud_model(model.name)]
        if not models:
            continue
        provider = name_from(server.name, start.providers)
        start.providers[provider] = {"kind": server.kind, "base_url": server.url}
        is_afar = KINDS[server.kind].zone_of(server.url) is None
        if is_afar:
            start.providers[provider]["zone"] = "cloud"
            start.notes[f"providers.{provider}"] = ["If this is in your own house, say `zone: local`."]
        for model in models[:MOST_MODELS]:
            name = name_from(model.name.rpartition("/")[2], start.targets)
            start.targets[name] = {"provider": provider, "model": model.name, **_loading(server, model)}
            start.local.append(name)
            if is_afar:
                start.afar.add(name)
        if len(models) > MOST_MODELS:
            more = ", ".join(model.name for model in models[MOST_MODELS:])
            start.notes.setdefault(f"providers.{provider}", []).append(f"It also has: {more}.")


def _loading(server: LocalServer, model: LocalModel) -> dict[str, Any]:
    if server.kind == "ollama":
        return {"context": min(CONTEXT, model.context or CONTEXT), "keep_alive": "30m"}
    return {"context": model.context} if model.context else {}


def _add_examples(start: _Starter) -> None:
    """Nothing is here: what is most common elsewhere, to be changed."""
    start.notes["providers"] = [
        *start.notes.get("providers", ()),
        "Nothing was found here. These are examples: set OPENAI_API_KEY, and say where your models are.",
    ]
    _add_cloud(start, "openai", "OPENAI_API_KEY", CLOUD["openai"][1])
    example = LocalServer("ollama", "ollama", "http://127.0.0.1:11434", (LocalModel("llama3.1:8b"),))
    start.around = msgspec.structs.replace(start.around, servers=(example,))
    _add_servers(start)


def _routes(start: _Starter) -> Iterator[Mapping[str, Any]]:
    first = start.local[0] if start.local else None
    if first and start.cloud and first not in start.afar:
        start.notes["routes.confidential"] = ["What must not leave is served here, or not at all."]
        yield {"name": "confidential", "when": {"data": STAYS}, "use": first, "boundary": "local"}
    for models in start.cloud.values():
        for model in models:
            yield _cloud_route(start, model, first if model == models[0] else None)
    for name in start.local if start.cloud else start.local[1:]:
        model = start.targets[name]["model"]
        yield {
            "name": name_from(f"local-{name}"),
            "when": {"model": exactly(model)},
            "use": name,
            **_boundary(start, name),
        }
    if first and not start.cloud:
        start.notes["routes.everything"] = ["Whatever model is asked for."]
        yield {"name": "everything", "use": first, **_boundary(start, first)}


def _with_tasks(start: _Starter, tasks: Sequence[Task], routes: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Behind what must not leave, and before what goes by models."""
    cloud = next(iter(start.cloud.values()), [])
    models = {name: str(target["model"]) for name, target in start.targets.items()}
    found = task_routes(tasks, cloud, start.local, models)
    first = sum(1 for route in routes if route["name"] == "confidential")
    taken = {str(route["name"]) for route in routes}
    named = [{**route, "name": name_from(str(route["name"]), taken)} for route in found]
    start.notes[f"routes.{named[0]['name']}"] = [
        "By task: callers say it with the header `x-earthward-task`. Whoever says none goes on to the routes below.",
    ]
    return [*routes[:first], *named, *routes[first:]]


def _boundary(start: _Starter, target: str) -> Mapping[str, str]:
    return {} if target in start.afar else {"boundary": "local"}


def _cloud_route(start: _Starter, model: str, candidate: str | None) -> Mapping[str, Any]:
    route: dict[str, Any] = {"name": model, "when": {"model": [model, f"{model}-20*"]}}
    if candidate is None:
        return {**route, "use": model}
    start.notes[f"routes.{model}"] = [
        f"Raise `share` to let `{candidate}` serve that part of the conversations; what it can't serve, `{model}` does."
    ]
    return {**route, "baseline": model, "candidate": candidate, "share": "0%", "fallback": [model]}
