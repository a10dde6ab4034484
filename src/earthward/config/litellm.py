"""A LiteLLM proxy's configuration as one of ours, with a list of what has no counterpart.

Source: docs.litellm.ai/docs/proxy/configs. Copies no secret: a key that stands in the file becomes the name of an
environment variable. Where deployments share a name, those of one model become endpoints of one provider, and others
fall back on each other.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from earthward.config import litellm_values as values
from earthward.config.document import Document, Path
from earthward.config.litellm_vendors import LATER, SERVER, VENDORS, Vendor, split
from earthward.config.problems import shown
from earthward.config.values import url as checked_url
from earthward.config.written import Written, exactly, name_from
from earthward.providers import KINDS

OF_A_MODEL = frozenset({"model_name", "litellm_params", "model_info"})
OF_PARAMS = frozenset({"model", "api_key", "api_base", "base_url", "timeout", "num_ctx", "keep_alive"})
PRICES = frozenset({"input_cost_per_token", "output_cost_per_token"})
OF_INFO = PRICES | {"id", "mode", "max_input_tokens", "base_model", "supports_vision", "supports_function_calling"}
FALLBACKS = ("fallbacks", "context_window_fallbacks")
PLACEHOLDERS = frozenset({"", "dummy", "empty", "fake", "fake-key", "na", "no-key", "none", "not-needed", "ollama"})
"""What people write as a key for a server that asks for none."""


class Note(msgspec.Struct, frozen=True, order=True):
    """Something that could not be carried over, or only otherwise; `line` is that of LiteLLM's file."""

    line: int
    what: str
    why: str


class Imported(msgspec.Struct, frozen=True):
    """`written` is None where nothing could be carried over."""

    written: Written | None
    notes: tuple[Note, ...]


class _Left(Exception):
    """Why a deployment is left out."""


class _Deployment(msgspec.Struct, frozen=True):
    group: str
    vendor: str
    kind: str
    base_url: str | None
    key: str | None
    zone: str | None
    target: dict[str, Any]
    seconds: float | None


def convert(document: Document, environ: Mapping[str, str]) -> Imported:
    """What this file becomes. `environ` is asked for addresses only, which a configuration of ours can't refer to."""
    return _Conversion(document, environ).result()


class _Conversion:
    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self.document = document
        self.environ = environ
        root = document.plain(document.root)
        self.root: dict[str, Any] = root if isinstance(root, dict) else {}
        self.notes: list[Note] = [Note(it.line, "the file", it.message) for it in document.problems]
        self.providers: dict[str, dict[str, Any]] = {}
        self.targets: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, list[str]] = {}
        self.patience: dict[str, float] = {}

    def result(self) -> Imported:
        deployments = list(self._deployments())
        for group in dict.fromkeys(it.group for it in deployments):
            self._add_group(group, [it for it in deployments if it.group == group])
        routes = self._routes()
        self._note_the_rest()
        written = Written(self.providers, self.targets, routes, settings={"auth": "keys"}) if routes else None
        return Imported(written, tuple(sorted(set(self.notes))))

    # ── deployments ──

    def _deployments(self) -> Iterator[_Deployment]:
        for index, entry in enumerate(_list(self.root.get("model_list"))):
            path: Path = ("model_list", index)
            params = entry.get("litellm_params") if isinstance(entry, dict) else None
            if not isinstance(params, dict) or not params.get("model") or not entry.get("model_name"):
                self._note(path, "a model", "has no `model_name` or no `litellm_params` with a `model`")
                continue
            name = str(entry["model_name"])
            try:
                yield self._deployment(path, name, params, _dict(entry.get("model_info")))
            except _Left as left:
                self._note(path, f"model `{shown(name)}`", str(left))

    def _deployment(self, path: Path, name: str, params: dict[str, Any], info: dict[str, Any]) -> _Deployment:
        service, model = split(str(params["model"]))
        base_url = self._address(params.get("api_base", params.get("base_url")))
        vendor = self._vendor(service, model, base_url)
        if "*" in model:
            raise _Left("stands for any model of a vendor; add a target for each model you use")
        if info.get("mode", "chat") != "chat":
            raise _Left(f"is for {shown(str(info['mode']))}; only chat is served yet")
        base_url = base_url or vendor.base_url
        if vendor.kind == "openai_compatible" and not base_url:
            raise _Left("has no `api_base`, so its address isn't known")
        self._note_unused(path, name, params, info)
        key = self._key((*path, "litellm_params"), name, params.get("api_key"), vendor, base_url)
        zone = self._zone(path, name, vendor, base_url)
        if key and base_url and base_url.startswith("http:") and not values.is_in_the_house(base_url):
            raise _Left("would send its key in the clear over http://; use https://")
        said = (values.context(vendor, params, info), values.price({**info, **params}), values.abilities(vendor, info))
        target = {"model": model, **{key: value for part in said for key, value in part.items()}}
        seconds = values.seconds(params)
        return _Deployment(name, service or vendor.kind, vendor.kind, base_url, key, zone, target, seconds)

    def _vendor(self, service: str | None, model: str, base_url: str | None) -> Vendor:
        vendor = VENDORS.get(service or "")
        if vendor is None:
            if service in LATER:
                raise _Left(f"is at {service}, which is not yet supported")
            if service is None and base_url:
                return SERVER
            raise _Left(
                f"is at {shown(service)}, which has no counterpart" if service else "doesn't say whose model it is"
            )
        is_elsewhere = service == "openai" and base_url and urlsplit(base_url).hostname != "api.openai.com"
        return Vendor("openai_compatible", vendor.key) if is_elsewhere else vendor

    def _address(self, given: Any) -> str | None:
        if given is None:
            return None
        if variable := values.variable(given):
            given = self.environ.get(variable)
            if not given:
                raise _Left(f"takes its address from {variable}, which is not set here; set it and import again")
        try:
            return checked_url(str(given))
        except ValueError as error:
            raise _Left(f"has an `api_base` that {error}") from None

    def _key(self, path: Path, name: str, given: Any, vendor: Vendor, base_url: str | None) -> str | None:
        kind = KINDS[vendor.kind]
        is_at_vendor = kind.base_url is not None and (base_url is None or kind.is_at_its_vendor(base_url))
        if given is None:
            is_needed = vendor.key and (is_at_vendor or vendor.base_url)
            return f"env:{vendor.key}" if is_needed else None
        if variable := values.variable(given):
            return f"env:{variable}"
        if str(given).lower() in PLACEHOLDERS and not is_at_vendor:
            return None
        variable = vendor.key or f"{name_from(name).replace('-', '_').replace('.', '_').upper()}_API_KEY"
        self._note((*path, "api_key"), f"model `{shown(name)}`", f"has its key in the file; put it in {variable}")
        return f"env:{variable}"

    def _zone(self, path: Path, name: str, vendor: Vendor, base_url: str | None) -> str | None:
        if base_url is None or KINDS[vendor.kind].zone_of(base_url) is not None:
            return None
        if vendor.base_url is None:
            host = urlsplit(base_url).hostname
            self._note(
                path, f"model `{shown(name)}`", f"is taken to be in the cloud; if {host} is yours, write `zone: local`"
            )
        return "cloud"

    def _note_unused(self, path: Path, name: str, params: dict[str, Any], info: dict[str, Any]) -> None:
        unused = [*sorted(params.keys() - OF_PARAMS - PRICES), *sorted(info.keys() - OF_INFO)]
        if unused:
            told = ", ".join(f"`{shown(key)}`" for key in unused)
            self._note(path, f"model `{shown(name)}`", f"{told}: no counterpart")

    # ── groups ──

    def _add_group(self, group: str, deployments: list[_Deployment]) -> None:
        names = [self._target(it) for it in self._merged(deployments)]
        self.groups[group] = list(dict.fromkeys(names))
        if len(self.groups[group]) > 1:
            why = "spreads its requests over several models or keys; here the first serves and the others step in"
            self.notes.append(Note(self._line_of(group), f"model `{shown(group)}`", why))
        if patient := [it.seconds for it in deployments if it.seconds]:
            self.patience[group] = patient[0]

    def _merged(self, deployments: list[_Deployment]) -> list[tuple[_Deployment, list[str]]]:
        """Those that differ in their address alone are one, with several addresses."""
        merged: list[tuple[_Deployment, list[str]]] = []
        for it in deployments:
            same = [urls for first, urls in merged if it.base_url and urls and _but_for_address(first, it)]
            if not same:
                merged.append((it, [it.base_url] if it.base_url else []))
            elif it.base_url and it.base_url not in same[0]:
                same[0].append(it.base_url)
        return merged

    def _target(self, one: tuple[_Deployment, list[str]]) -> str:
        deployment, urls = one
        entry = {"provider": self._provider(deployment, urls), **deployment.target}
        return _named(self.targets, name_from(deployment.target["model"].rpartition("/")[2]), entry)

    def _provider(self, it: _Deployment, urls: list[str]) -> str:
        entry: dict[str, Any] = {"kind": it.kind}
        if len(urls) > 1:
            entry["endpoints"] = urls
        elif urls and urls[0] != KINDS[it.kind].base_url:
            entry["base_url"] = urls[0]
        if it.key:
            entry["api_key"] = it.key
        if it.zone:
            entry["zone"] = it.zone
        is_server = it.kind == "openai_compatible" and it.vendor == "openai"
        return _named(self.providers, name_from("server" if is_server else it.vendor.removesuffix("_chat")), entry)

    # ── routes ──

    def _routes(self) -> list[dict[str, Any]]:
        aliases = self._aliases()
        routes: list[dict[str, Any]] = []
        # What takes everything goes last, and patterns behind what they would hide.
        for group in sorted(self.groups, key=lambda name: ("*" in name, name == "*")):
            models = [exactly(name) for name in (group, *(alias for alias, of in aliases.items() if of == group))]
            first, *others = self._order(group)
            name = name_from("everything" if group == "*" else group, [route["name"] for route in routes])
            route: dict[str, Any] = {"name": name}
            if "*" not in models:
                route["when"] = {"model": models[0] if len(models) == 1 else models}
            route["use"] = first
            if others:
                route["fallback"] = others
            if group in self.patience:
                route["deadlines"] = {"total": f"{max(1, round(self.patience[group]))}s"}
            routes.append(route)
        return routes

    def _order(self, group: str) -> list[str]:
        """The group's own targets, then those of the groups it falls back on."""
        after = self._fallbacks().get(group) or self._fallbacks().get("*", [])
        return list(dict.fromkeys([*self.groups[group], *(it for name in after for it in self.groups.get(name, ()))]))

    def _fallbacks(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for section in ("router_settings", "litellm_settings"):
            settings = _dict(self.root.get(section))
            for kind in FALLBACKS:
                for entry in _list(settings.get(kind)):
                    for group, names in _dict(entry).items():
                        found.setdefault(str(group), []).extend(self._known((section, kind), group, _list(names)))
            found.setdefault("*", []).extend(
                self._known((section, "default_fallbacks"), "any model", _list(settings.get("default_fallbacks")))
            )
        return found

    def _known(self, path: Path, group: Any, names: list[Any]) -> Iterator[str]:
        for name in names:
            if isinstance(name, str) and name in self.groups:
                yield name
            else:
                told = f"falls back on `{shown(name)}`" if isinstance(name, str) else "falls back with other parameters"
                self._note(path, f"`{shown(str(group))}`", f"{told}, which is not carried over")

    def _aliases(self) -> dict[str, str]:
        found = {}
        for alias, of in _dict(_dict(self.root.get("router_settings")).get("model_group_alias")).items():
            group = of.get("model") if isinstance(of, dict) else of
            if group in self.groups and alias not in self.groups:
                found[str(alias)] = str(group)
            else:
                path = ("router_settings", "model_group_alias", alias)
                self._note(path, f"alias `{shown(str(alias))}`", "is of a model that is not carried over")
        return found

    # ── what is left ──

    def _note_the_rest(self) -> None:
        used = {"fallbacks", "context_window_fallbacks", "default_fallbacks", "model_group_alias"}
        for section, settings in self.root.items():
            if section == "model_list":
                continue
            if section == "environment_variables":
                names = ", ".join(shown(str(name)) for name in _dict(settings))
                self._note((section,), section, f"put these in the environment yourself: {names}")
            elif section == "general_settings":
                self._note_general(_dict(settings))
            elif section in ("router_settings", "litellm_settings"):
                for key in _dict(settings).keys() - used:
                    self._note((section, key), f"`{section}.{shown(str(key))}`", _WHY.get(str(key), "no counterpart"))
            else:
                self._note((section,), f"`{shown(str(section))}`", "no counterpart")
        if "master_key" not in _dict(self.root.get("general_settings")):
            self._note((), "callers", "needed no key; now they do: `earthward keys create`")

    def _note_general(self, settings: dict[str, Any]) -> None:
        for key in settings:
            self._note(("general_settings", key), f"`general_settings.{shown(key)}`", _WHY.get(key, "no counterpart"))

    def _note(self, path: Path, what: str, why: str) -> None:
        at = self.document.key_problem(path, why) if path else self.document.problem((), why)
        self.notes.append(Note(at.line, what, why))

    def _line_of(self, group: str) -> int:
        entries = _list(self.root.get("model_list"))
        index = next(
            at for at, entry in enumerate(entries) if isinstance(entry, dict) and str(entry.get("model_name")) == group
        )
        return self.document.problem(("model_list", index), "").line


_WHY = {
    "master_key": "make a key for each application with `earthward keys create`; LiteLLM's own keys don't work here",
    "database_url": "the ledger and keys are in `store`, SQLite",
    "num_retries": "a request is tried at most three times, under a retry budget",
    "routing_strategy": "endpoints take turns; other ways to balance are not yet supported",
    "request_timeout": "state `deadlines` on a provider or a route",
    "timeout": "state `deadlines` on a provider or a route",
    "drop_params": "what only tunes is always dropped and named in x-earthward-dropped; what carries content never is",
}


def _named(entries: dict[str, dict[str, Any]], name: str, entry: dict[str, Any]) -> str:
    """The name of this entry: of the same one that is there already, or of a new one."""
    for known, other in entries.items():
        if other == entry:
            return known
    fresh = name_from(name, entries)
    entries[fresh] = entry
    return fresh


def _but_for_address(one: _Deployment, other: _Deployment) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("vendor", "kind", "key", "zone", "target"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
