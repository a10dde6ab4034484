"""A LiteLLM proxy's configuration as one of ours, with a list of what has no counterpart.

Source: docs.litellm.ai/docs/proxy/configs. Copies no secret: a key that stands in the file becomes the name of an
environment variable. Where deployments share a name, those of one model become endpoints of one provider, and others
fall back on each other.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from earthward.config.document import Document, Path
from earthward.config.litellm_deployments import Deployment, Deployments, Note, Notes
from earthward.config.litellm_limits import OF_KEYS, TEAMS, limits_of, options, teams, together
from earthward.config.litellm_values import listed, mapped
from earthward.config.problems import shown
from earthward.config.written import Written, exactly, name_from
from earthward.providers import KINDS

NO_COUNTERPART = "no counterpart"
FALLBACKS = ("fallbacks", "context_window_fallbacks")


class Imported(msgspec.Struct, frozen=True):
    """`written` is None where nothing could be carried over."""

    written: Written | None
    notes: tuple[Note, ...]


def convert(document: Document, environ: Mapping[str, str]) -> Imported:
    """What this file becomes. `environ` is asked for addresses only, which a configuration of ours can't refer to."""
    return _Conversion(document, environ).result()


class _Conversion:
    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        root = document.plain(document.root)
        self.root: dict[str, Any] = root if isinstance(root, dict) else {}
        self.notes = Notes(document)
        self.environ = environ
        self.providers: dict[str, dict[str, Any]] = {}
        self.targets: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, list[str]] = {}
        self.patience: dict[str, float] = {}
        self.settings: dict[str, Any] = {"auth": "keys"}

    def result(self) -> Imported:
        deployments = list(Deployments(self.root.get("model_list"), self.environ, self.notes).read())
        for group in dict.fromkeys(it.group for it in deployments):
            self._add_group(group, [it for it in deployments if it.group == group])
        routes = self._routes()
        self._limit_callers()
        self._note_the_rest()
        written = Written(self.providers, self.targets, routes, settings=self.settings) if routes else None
        return Imported(written, tuple(sorted(set(self.notes.found))))

    # ── groups ──

    def _add_group(self, group: str, deployments: list[Deployment]) -> None:
        names = [self._target(*it) for it in self._merged(deployments)]
        self.groups[group] = list(dict.fromkeys(names))
        if len(self.groups[group]) > 1:
            why = "spreads its requests over several models or keys; here the first serves and the others step in"
            self.notes.of_model(deployments[0].path, group, why)
        if patient := [it.seconds for it in deployments if it.seconds]:
            self.patience[group] = patient[0]

    def _merged(self, deployments: list[Deployment]) -> list[tuple[list[Deployment], list[str]]]:
        """Those that differ in their address alone are one, with several addresses."""
        merged: list[tuple[list[Deployment], list[str]]] = []
        for it in deployments:
            same = [one for one in merged if it.base_url and one[1] and _but_for_address(one[0][0], it)]
            if not same:
                merged.append(([it], [it.base_url] if it.base_url else []))
            elif it.base_url and it.base_url not in same[0][1]:
                same[0][0].append(it)
                same[0][1].append(it.base_url)
        return merged

    def _target(self, all_of_it: list[Deployment], urls: list[str]) -> str:
        deployment = all_of_it[0]
        entry = {"provider": self._provider(deployment, urls), **deployment.target}
        limits, left = together(it.limits for it in all_of_it)
        for name in left:
            self.notes.of_model(
                deployment.path, deployment.group, f"not all its addresses have a limit alike on `{name}`"
            )
        if limits:
            entry["limits"] = limits
        return _named(self.targets, name_from(deployment.target["model"].rpartition("/")[2]), entry)

    def _provider(self, it: Deployment, urls: list[str]) -> str:
        entry: dict[str, Any] = {"kind": it.kind, **it.settings}
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
            settings = mapped(self.root.get(section))
            for kind in FALLBACKS:
                for entry in listed(settings.get(kind)):
                    for group, names in mapped(entry).items():
                        found.setdefault(str(group), []).extend(self._known((section, kind), group, listed(names)))
            found.setdefault("*", []).extend(
                self._known((section, "default_fallbacks"), "any model", listed(settings.get("default_fallbacks")))
            )
        return found

    def _known(self, path: Path, group: Any, names: list[Any]) -> Iterator[str]:
        for name in names:
            if isinstance(name, str) and name in self.groups:
                yield name
            else:
                told = f"falls back on `{shown(name)}`" if isinstance(name, str) else "falls back with other parameters"
                self.notes.add(path, f"`{shown(str(group))}`", f"{told}, which is not carried over")

    def _aliases(self) -> dict[str, str]:
        found = {}
        for alias, of in mapped(mapped(self.root.get("router_settings")).get("model_group_alias")).items():
            group = of.get("model") if isinstance(of, dict) else of
            if group in self.groups and alias not in self.groups:
                found[str(alias)] = str(group)
            else:
                path = ("router_settings", "model_group_alias", alias)
                self.notes.add(path, f"alias `{shown(str(alias))}`", "is of a model that is not carried over")
        return found

    # ── limits of callers ──

    def _limit_callers(self) -> None:
        """Those of teams that the file names, and of all together; keys are made by a command, which is told."""
        settings = mapped(self.root.get("litellm_settings"))
        found = {}
        for index, name, team in teams(settings):
            limits, left = limits_of(team)
            for theirs, why in left:
                self.notes.add(("litellm_settings", TEAMS, index, theirs), f"team `{shown(name)}`", f"`{theirs}` {why}")
            if limits:
                found[name] = limits
        if found:
            self.settings["limits"] = {"teams": found}
        for section in OF_KEYS:
            limits, _ = limits_of(mapped(settings.get(section)))
            if limits:
                why = f"has no counterpart; say it of each key: `earthward keys create --app NAME {options(limits)}`"
                self.notes.add(("litellm_settings", section), f"`litellm_settings.{section}`", why)
        self._budget_of_all(settings)

    def _budget_of_all(self, settings: dict[Any, Any]) -> None:
        if settings.get("max_budget") is None:
            return
        limits, left = limits_of({name: settings.get(name) for name in ("max_budget", "budget_duration")})
        amount, _, every = str(limits.get("budget", "")).partition("/")
        what, path = "`litellm_settings.max_budget`", ("litellm_settings", "max_budget")
        if every in ("day", "month"):
            self.settings["budgets"] = [{"name": "all", "spend": Decimal(amount), "every": every}]
            self.notes.add(
                path, what, "is told of when it is spent (`budgets`), and stops nothing: limit teams or targets"
            )
        else:
            self.notes.add(path, what, left[0][1] if left else "here such a budget is for a day or a month")

    # ── what is left ──

    def _note_the_rest(self) -> None:
        used = {"fallbacks", "context_window_fallbacks", "default_fallbacks", "model_group_alias", *self._limiting()}
        for section, settings in self.root.items():
            if section == "model_list":
                continue
            if section == "environment_variables":
                names = ", ".join(shown(str(name)) for name in mapped(settings))
                self.notes.add((section,), section, f"put these in the environment yourself: {names}")
            elif section == "general_settings":
                self._note_general(mapped(settings))
            elif section in ("router_settings", "litellm_settings"):
                for key in mapped(settings).keys() - used:
                    self.notes.add(
                        (section, key), f"`{section}.{shown(str(key))}`", _WHY.get(str(key), "no counterpart")
                    )
            else:
                self.notes.add((section,), f"`{shown(str(section))}`", NO_COUNTERPART)
        if "master_key" not in mapped(self.root.get("general_settings")):
            self.notes.add((), "callers", "needed no key; now they do: `earthward keys create`")

    def _limiting(self) -> set[str]:
        """What was told of as a limit already."""
        settings = mapped(self.root.get("litellm_settings"))
        told = {name for name in OF_KEYS if limits_of(mapped(settings.get(name)))[0]}
        told |= {TEAMS} if any(limits_of(team) != ({}, []) for _, _, team in teams(settings)) else set()
        return told | ({"max_budget", "budget_duration"} if settings.get("max_budget") is not None else set())

    def _note_general(self, settings: dict[str, Any]) -> None:
        for key in settings:
            self.notes.add(
                ("general_settings", key), f"`general_settings.{shown(key)}`", _WHY.get(key, "no counterpart")
            )


_WHY = {
    "provider_budget_config": "here budgets are of targets, teams, applications and keys: give each target `limits`",
    "max_parallel_requests": "here so many at a time are of targets, teams, applications and keys",
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


def _but_for_address(one: Deployment, other: Deployment) -> bool:
    names = ("vendor", "kind", "key", "zone", "target", "settings")
    return all(getattr(one, name) == getattr(other, name) for name in names)
