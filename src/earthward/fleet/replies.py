"""What an Ollama host answers about itself, read. Pure: bytes in, plain values out.

Hosts of many versions are out there, so nothing is taken for granted but what is read here; a reply that cannot be
read raises ValueError.
"""

from typing import TypeVar

import msgspec

from earthward.dialects.json_limits import NOT_JSON
from earthward.routing.balance.standing import full_name
from earthward.routing.balance.view import Resident

T = TypeVar("T")


class Installed(msgspec.Struct, frozen=True):
    """A model on a host's disk. `digest` tells whether two hosts hold the same one; `remote` where it really runs."""

    name: str
    size: int = 0
    digest: str = ""
    remote: str = ""


class Progress(msgspec.Struct, frozen=True):
    """A step of a pull; bytes of the layer under way, 0 where there is none. `error` ends it."""

    status: str = ""
    total: int = 0
    completed: int = 0
    error: str = ""

    @property
    def is_over(self) -> bool:
        return self.status == "success" or bool(self.error)


class _Listed(msgspec.Struct):
    name: str = ""
    model: str = ""
    size: int | float = 0
    size_vram: int | float = 0
    context_length: int | float | None = None
    digest: str | None = None
    remote_host: str | None = None


class _List(msgspec.Struct):
    models: list[_Listed] | None = None


class _Version(msgspec.Struct):
    version: str = ""


class _Cloud(msgspec.Struct, frozen=True):
    disabled: bool = False


class _Status(msgspec.Struct):
    cloud: _Cloud = _Cloud()


class _Error(msgspec.Struct):
    error: str = ""


def residents(body: bytes) -> tuple[Resident, ...]:
    """From `/api/ps`. Before 0.10 it does not tell the context: 0."""
    return tuple(
        Resident(full_name(it.name or it.model), int(it.context_length or 0), int(it.size), int(it.size_vram))
        for it in _listed(body)
    )


def installed(body: bytes) -> tuple[Installed, ...]:
    """From `/api/tags`."""
    return tuple(
        Installed(full_name(it.name or it.model), int(it.size), it.digest or "", it.remote_host or "")
        for it in _listed(body)
    )


def version(body: bytes) -> str:
    return _decoded(body, _Version).version


def is_local_only(body: bytes) -> bool:
    """From `/api/status`: whether the host was told to send nothing to ollama.com."""
    return _decoded(body, _Status).cloud.disabled


def progress(line: bytes) -> Progress:
    """One line of a pull."""
    return _decoded(line, Progress)


def error(body: bytes) -> str:
    """What a host says is wrong, or the beginning of whatever it sent."""
    try:
        found = msgspec.json.decode(body, type=_Error).error
    except NOT_JSON:
        found = ""
    return (found or body.decode("utf-8", "replace").strip() or "no reason given")[:300]


def _listed(body: bytes) -> list[_Listed]:
    models = _decoded(body, _List).models
    return [it for it in models or [] if it.name or it.model]


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except NOT_JSON as error:
        raise ValueError(f"not what Ollama answers: {error}") from error
