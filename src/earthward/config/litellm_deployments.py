"""The deployments of a LiteLLM configuration, each read by itself: what it is here, or why it is left out.

A key is only ever written down for the host it is for: the usual variable of a vendor is not sent to another's address.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from earthward.config import litellm_values as values
from earthward.config.document import Document, Path
from earthward.config.litellm_limits import OF_LIMITS, limits_of
from earthward.config.litellm_values import listed, mapped
from earthward.config.litellm_vendors import SERVER, VENDORS, Vendor, split
from earthward.config.problems import shown
from earthward.config.values import url as checked_url
from earthward.providers import KINDS
from earthward.providers.hosts import is_vendor

OF_PARAMS = frozenset({"model", "api_key", "api_base", "base_url", "timeout", "num_ctx", "keep_alive"})
PRICES = frozenset({"input_cost_per_token", "output_cost_per_token"})
OF_INFO = PRICES | {"id", "mode", "max_input_tokens", "base_model", "supports_vision", "supports_function_calling"}
PLACEHOLDERS = frozenset({"", "dummy", "empty", "fake", "fake-key", "na", "no-key", "none", "not-needed", "ollama"})
"""What people write as a key for a server that asks for none."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Note(msgspec.Struct, frozen=True, order=True):
    """Something that could not be carried over, or only otherwise; `line` is that of LiteLLM's file."""

    line: int
    what: str
    why: str


class Notes:
    def __init__(self, document: Document) -> None:
        self._document = document
        self.found: list[Note] = [Note(it.line, "the file", it.message) for it in document.problems]

    def add(self, path: Path, what: str, why: str) -> None:
        at = self._document.key_problem(path, why) if path else self._document.problem((), why)
        self.found.append(Note(at.line, what, why))

    def of_model(self, path: Path, name: str, why: str) -> None:
        self.add(path, f"model `{shown(name)}`", why)


class Deployment(msgspec.Struct, frozen=True):
    """`path` is its place in the file, `group` what callers call it, `seconds` how long an answer may take, `limits`
    what may be asked of it, as a target of ours says it."""

    path: tuple[str | int, ...]
    group: str
    vendor: str
    kind: str
    base_url: str | None
    key: str | None
    zone: str | None
    target: dict[str, Any]
    seconds: float | None
    settings: dict[str, Any] = {}
    limits: dict[str, Any] = {}


class _Left(Exception):
    """Why a deployment is left out."""


class Deployments:
    def __init__(self, models: Any, environ: Mapping[str, str], notes: Notes) -> None:
        self._models = models
        self._environ = environ
        self._notes = notes

    def read(self) -> Iterator[Deployment]:
        for index, entry in enumerate(listed(self._models)):
            path: Path = ("model_list", index)
            params = entry.get("litellm_params") if isinstance(entry, dict) else None
            if not isinstance(params, dict) or not params.get("model") or not entry.get("model_name"):
                self._notes.add(path, "a model", "has no `model_name` or no `litellm_params` with a `model`")
                continue
            name = str(entry["model_name"])
            try:
                yield self._deployment(path, name, params, mapped(entry.get("model_info")))
            except _Left as left:
                self._notes.of_model(path, name, str(left))

    def _deployment(self, path: Path, name: str, params: dict[str, Any], info: dict[str, Any]) -> Deployment:
        service, model = split(str(params["model"]))
        base_url = self._address(params.get("api_base", params.get("base_url")))
        vendor = self._vendor(service, base_url)
        if "*" in model:
            raise _Left("stands for any model of a vendor; add a target for each model you use")
        if info.get("mode", "chat") != "chat":
            raise _Left(f"is for {shown(str(info['mode']))}; only chat is served yet")
        base_url = base_url or vendor.base_url
        if vendor.kind in ("azure", "openai_compatible") and not base_url:
            raise _Left("has no `api_base`, so its address isn't known")
        settings = self._settings(vendor, params)
        self._note_unused(path, name, vendor, params, info)
        key = self._key((*path, "litellm_params"), name, params.get("api_key"), vendor, base_url)
        zone = self._zone(path, name, vendor, base_url)
        if key and base_url and base_url.startswith("http:") and not values.is_in_the_house(base_url):
            raise _Left("would send its key in the clear over http://; use https://")
        said = (values.context(vendor, params, info), values.price({**info, **params}), values.abilities(vendor, info))
        target = {"model": model, **{key: value for part in said for key, value in part.items()}}
        seconds = values.seconds(params)
        limits, left = limits_of(params)
        for theirs, why in left:
            self._notes.of_model((*path, "litellm_params", theirs), name, f"`{theirs}` {why}")
        return Deployment(
            path, name, service or vendor.kind, vendor.kind, base_url, key, zone, target, seconds, settings, limits
        )

    def _vendor(self, service: str | None, base_url: str | None) -> Vendor:
        vendor = VENDORS.get(service or "")
        if vendor is None:
            if service is None and base_url:
                return SERVER
            raise _Left(
                f"is at {shown(service)}, which has no counterpart" if service else "doesn't say whose model it is"
            )
        is_elsewhere = service == "openai" and base_url and urlsplit(base_url).hostname != "api.openai.com"
        return SERVER if is_elsewhere else vendor

    def _address(self, given: Any) -> str | None:
        if given is None:
            return None
        if variable := values.variable(given):
            given = self._environ.get(variable)
            if not given:
                raise _Left(f"takes its address from {variable}, which is not set here; set it and import again")
        try:
            return checked_url(str(given))
        except ValueError as error:
            raise _Left(f"has an `api_base` that {error}") from None

    def _key(self, path: Path, name: str, given: Any, vendor: Vendor, base_url: str | None) -> str | None:
        is_vendors = _is_vendors(vendor, base_url)
        if KINDS[vendor.kind].identity:
            return None
        if given is None:
            return f"env:{vendor.key}" if is_vendors and vendor.key else None
        variable = values.variable(given)
        if variable is not None and _VARIABLE.fullmatch(variable):
            return f"env:{variable}"
        if str(given).lower() in PLACEHOLDERS and not is_vendors:
            return None
        new = vendor.key if is_vendors and vendor.key else values.variable_for(name)
        told = "has its key in the file" if variable is None else "has its key in a variable without a proper name"
        self._notes.of_model((*path, "api_key"), name, f"{told}; put it in {new}")
        return f"env:{new}"

    def _zone(self, path: Path, name: str, vendor: Vendor, base_url: str | None) -> str | None:
        if base_url is None or KINDS[vendor.kind].zone_of(base_url) is not None:
            return None
        if vendor.base_url is None:
            host = urlsplit(base_url).hostname
            self._notes.of_model(path, name, f"is taken to be in the cloud; if {host} is yours, write `zone: local`")
        return "cloud"

    def _settings(self, vendor: Vendor, params: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for theirs, ours in vendor.settings:
            given = params.get(theirs)
            if variable := values.variable(given):
                given = self._environ.get(variable)
                if not given:
                    raise _Left(f"takes its `{theirs}` from {variable}, which is not set here; set it and import again")
            if given:
                found[ours] = str(given)
        if vendor.kind == "vertex" and "project" not in found:
            raise _Left("has no `vertex_project`, so it isn't known whose it is")
        return found

    def _note_unused(self, path: Path, name: str, vendor: Vendor, params: dict[str, Any], info: dict[str, Any]) -> None:
        of_vendor = {theirs for theirs, _ in vendor.settings}
        unused = [*sorted(params.keys() - OF_PARAMS - PRICES - OF_LIMITS - of_vendor), *sorted(info.keys() - OF_INFO)]
        if unused:
            told = ", ".join(f"`{shown(key)}`" for key in unused)
            self._notes.of_model(path, name, f"{told}: no counterpart")


def _is_vendors(vendor: Vendor, base_url: str | None) -> bool:
    """Whether the address is the vendor's own, so that the vendor's key may go there."""
    if vendor.base_url is not None:
        return base_url in (None, vendor.base_url)
    kind = KINDS[vendor.kind]
    if kind.zone == "cloud" and kind.base_url is None:
        return base_url is not None and is_vendor(urlsplit(base_url).hostname or "")
    return kind.base_url is not None and (base_url is None or kind.is_at_its_vendor(base_url))
