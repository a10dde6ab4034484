"""From a file to a configuration that is sound, or to every problem there is with it, at once."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from earthward.config import document as yaml_document
from earthward.config.combinations import check
from earthward.config.document import Document, Mapping, Scalar, Sequence, parse
from earthward.config.draft import Draft
from earthward.config.models import (
    Configuration,
    Provider,
    Route,
    Settings,
    Target,
    provider_model,
)
from earthward.config.money import Money
from earthward.config.problems import ConfigErrors, Problem, shown, unknown
from earthward.config.section import Section
from earthward.config.values import name as checked_name
from earthward.providers import KINDS
from earthward.rollout.plan import Plan
from earthward.rollout.problems import PlanErrors
from earthward.rollout.read_plan import plan as read_plan
from earthward.rollout.read_plan import presets, with_own

__all__ = ["ConfigErrors", "Configuration", "load", "money_of"]

NAMED = ("providers", "targets")
SECTIONS = (*NAMED, "routes", "rollouts")

Step = str | int
Steps = tuple[Step, ...]
AnySection = TypeVar("AnySection", bound=Section)


def load(path: Path) -> Configuration:
    """The configuration in this file. Raises ConfigErrors with all its problems."""
    path = path.absolute()
    return read(_bytes_of(path), path)


def read(data: bytes, path: Path) -> Configuration:
    """The configuration that these bytes are, as if they were in that file. Raises ConfigErrors."""
    document = parse(data, str(path))
    reader = _Reader(document, path.parent)
    draft = reader.draft()
    problems = [*document.problems, *reader.problems, *check(draft)]
    if problems:
        raise ConfigErrors(problems)
    return _configuration(draft, data, path)


def money_of(path: Path) -> Money:
    """What a file says of money: a configuration, or one with nothing else in it. Raises ConfigErrors."""
    document = parse(_bytes_of(path), str(path))
    reader = _Reader(document, path.absolute().parent)
    settings = reader.settings()
    if settings is None or document.problems or reader.problems:
        raise ConfigErrors([*document.problems, *reader.problems])
    return settings.money


def _bytes_of(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise ConfigErrors([Problem(str(path), 0, 0, "is not a file")])
        with path.open("rb") as file:
            return file.read(yaml_document.LARGEST + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigErrors([Problem(str(path), 0, 0, f"can't be read: {why}")]) from error


def _configuration(draft: Draft, data: bytes, path: Path) -> Configuration:
    settings = draft.settings
    assert settings is not None
    return Configuration(
        file=path,
        digest=hashlib.sha256(data).hexdigest(),
        listen=settings.listen,
        admin=settings.admin,
        store=_beside(path, settings.store),
        state=path.parent / settings.state,
        auth=settings.auth,
        accepted_for=settings.accepted_for,
        boundary=settings.boundary,
        providers={name: provider for name, provider in draft.providers.items() if provider},
        targets={name: target for name, target in draft.targets.items() if target},
        routes=tuple(route for route in draft.routes if route),
        rollouts={**presets(), **{name: plan for name, plan in draft.rollouts.items() if plan}},
        limits=settings.limits,
        cors=settings.cors,
        tls=settings.tls,
        access_log=settings.access_log,
        durability=settings.durability,
        admin_token=settings.admin_token,
        money=settings.money,
        content_key=settings.content_key,
        responses=settings.responses,
        observe=settings.observe,
        notify=settings.notify,
        metrics=settings.metrics,
        fetch_from=settings.fetch_from,
    )


def _beside(path: Path, store: str) -> str:
    """SQLite's relative paths begin at the configuration file, wherever the gateway is started."""
    prefix = "sqlite:///"
    return f"{prefix}{path.parent / store.removeprefix(prefix)}" if store.startswith(prefix) else store


class _Reader:
    """Reads each section by itself, so that a mistake in one hides nothing in another."""

    def __init__(self, document: Document, folder: Path) -> None:
        self.document = document
        self.folder = folder
        self.problems: list[Problem] = []

    def draft(self) -> Draft:
        settings = self.settings()
        if not isinstance(self.document.root, Mapping):
            return Draft(self.document, Settings(), {}, {}, ())
        return Draft(
            self.document,
            settings,
            {name: self._provider(("providers", name)) for name in self._names("providers")},
            {name: self._section(Target, ("targets", name)) for name in self._names("targets")},
            tuple(self._section(Route, ("routes", index)) for index in self._indices("routes")),
            {name: self._rollout(name) for name in self._names("rollouts")},
        )

    def settings(self) -> Settings | None:
        root = self.document.root
        if not isinstance(root, Mapping):
            self._note((), "a configuration is a mapping, as in `listen: 127.0.0.1:4000`")
            return None
        plain = {key: self.document.plain(value) for key, value in root.entries.items() if key not in SECTIONS}
        return self._section(Settings, (), plain)

    def _names(self, section: str) -> Iterator[str]:
        node = self.document.at((section,))
        if isinstance(node, Mapping):
            for name in node.entries:
                try:
                    checked_name(name)
                except ValueError as error:
                    self._note_key((section, name), f"`{shown(name)}` {error}")
                yield name
        elif not _is_nothing(node):
            self._note((section,), f"`{section}` takes a mapping of names, as in `{section}: {{mine: {{...}}}}`")

    def _indices(self, section: str) -> range:
        node = self.document.at((section,))
        if isinstance(node, Sequence):
            return range(len(node.items))
        if not _is_nothing(node):
            self._note((section,), f"`{section}` takes a list, as in `{section}: [{{name: mine, ...}}]`")
        return range(0)

    def _provider(self, path: Steps) -> Provider | None:
        kind_path = (*path, "kind")
        kind = self.document.at(kind_path)
        if not isinstance(kind, Scalar) or not isinstance(kind.value, str):
            return self._section(Provider, path)
        if kind.value in KINDS:
            return self._section(provider_model(kind.value), path)
        self._note(kind_path, unknown("kind", kind.value, KINDS))
        return None

    def _rollout(self, name: str) -> Plan | None:
        path = ("rollouts", name)
        node = self.document.at(path)
        plain = self.document.plain(node) if node is not None else None
        try:
            return read_plan(with_own(plain, self._names("metrics")), name, path)
        except PlanErrors as errors:
            for problem in errors.problems:
                self._note_key(problem.path, str(problem))
            return None

    def _section(self, model: type[AnySection], path: Steps, plain: Any = None) -> AnySection | None:
        if plain is None:
            node = self.document.at(path)
            plain = self.document.plain(node) if node is not None else {}
        try:
            return model.model_validate(plain, context={"folder": self.folder})
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                self.problems.append(self._problem(model, path, detail))
            return None

    def _problem(self, model: type[Section], path: Steps, detail: ErrorDetails) -> Problem:
        inner = detail["loc"]
        at = path + inner
        key = inner[-1] if inner else path[-1] if path else ""
        match detail["type"]:
            case "extra_forbidden":
                return self.document.key_problem(at, _unknown_key(model, inner))
            case "missing":
                return self.document.key_problem(at, f"`{key}` is missing")
        if inner and inner[-1] == "[key]":
            return self.document.key_problem(at[:-1], f"`{shown(str(inner[-2]))}` {_told(detail)}")
        subject = next((step for step in reversed(inner) if isinstance(step, str)), key)
        return self.document.problem(at, f"`{shown(str(subject))}` {_told(detail)}")

    def _note(self, path: Steps, message: str) -> None:
        self.problems.append(self.document.problem(path, message))

    def _note_key(self, path: Steps, message: str) -> None:
        self.problems.append(self.document.key_problem(path, message))


_TOLD = {
    "string_type": "must be text; put it in quotes",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "takes keys and values, as in {key: value}",
    "model_type": "takes keys and values, as in {key: value}",
    "tuple_type": "takes a list",
}


def _told(detail: ErrorDetails) -> str:
    """What is wrong, to be read after the key's name. Never what was given: it may be a secret in the wrong place."""
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "greater_than":
            return f"must be above {context['gt']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
    return _TOLD.get(detail["type"], detail["msg"])


def _unknown_key(model: type[Section], inner: Steps) -> str:
    section = _model_at(model, inner[:-1])
    key = str(inner[-1])
    if key in section.later:
        return f"`{key}` is not yet supported"
    known = set(section.model_fields) | (set(SECTIONS) if section is Settings else set())
    return unknown("key", key, known)


def _model_at(model: type[Section], steps: Steps) -> type[Section]:
    """The model of the section that these steps lead to."""
    for step in steps:
        if isinstance(step, str) and step in model.model_fields:
            model = _section_in(model.model_fields[step].annotation) or model
    return model


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)


def _is_nothing(node: object) -> bool:
    return node is None or (isinstance(node, Scalar) and node.value is None)
