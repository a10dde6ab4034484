"""What there is to know about a kind of provider: where it is, how it is addressed, what it is trusted to do.

Pure data and what follows from it. Sends nothing, and knows no wire format beyond its name.
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import quote, urlsplit

import msgspec

from earthward.config.snapshot import Deadlines, Zone
from earthward.dialects.content.lacks import Lack
from earthward.providers.hosts import is_local, is_vendor

Operation = Literal["chat", "stream", "generate", "models", "embed", "embed_one", "embed_several", "count"]
Settings = Mapping[str, str]
NONE: Settings = {}


class Setting(msgspec.Struct, frozen=True):
    """A key of the configuration that only this kind of provider has."""

    name: str
    type: Literal["text", "count", "path", "keep_alive"]
    is_required: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()


class Api(msgspec.Struct, frozen=True):
    """Another way in which targets of a kind may be asked: at other paths, in another dialect.

    It is taken by targets that name it in `api`; else by those whose model fits one of `models`; else, with `setting`,
    by all targets of a provider that has that setting. `lacks` are those of its kind unless stated.
    """

    name: str
    dialect: str
    operations: tuple[tuple[Operation, str], ...]
    models: tuple[str, ...] = ()
    setting: str | None = None
    lacks: frozenset[Lack] | None = None

    def is_for(self, model: str, settings: Settings) -> bool:
        """Whether it is taken unasked."""
        if self.models:
            return any(fnmatchcase(model, pattern) for pattern in self.models)
        return self.setting is not None and self.setting in settings


class Kind(msgspec.Struct, frozen=True):
    """One kind of provider.

    `zone` is where its targets are; `by_host` leaves it to the host's name, and where that does not tell, to the
    configuration. `price_list` is the vendor's name in the list of prices. Of a caller's headers and of an answer's,
    only those named here pass; names are in lower case. A caller who speaks another dialect passes on none.
    `headers` are sent where the caller's own do not say the same. `account_headers` say which account pays, and pass
    only beside a caller's own key. `prefixes` are ends of a base URL that people write and that the operations' paths
    begin with already. `deadlines`, `slots` of each endpoint and `balance` are those of providers that state none.
    `lacks` is what its targets can't do and what is made up for in translation.

    In paths `{model}` is the target's, and other names in braces are the provider's settings. Where streams have a
    path of their own it is that of `stream`. `home` is the base URL where that depends on the settings. `keys` tells
    whose keys a caller may bring for it, where the dialect alone doesn't. With `identity` the gateway has tokens of
    its own made for it, by that name, when no key is given. `lists_targets` is whether its list of models names what
    targets may name.
    """

    name: str
    dialect: str
    zone: Literal["cloud", "local", "by_host"]
    abilities: frozenset[str]
    base_url: str | None = None
    operations: tuple[tuple[Operation, str], ...] = (
        ("chat", "/chat/completions"),
        ("embed", "/embeddings"),
        ("models", "/models"),
    )
    credential: tuple[str, str] | None = ("authorization", "Bearer {}")
    needs_key: bool = False
    is_embedded: bool = False
    price_list: str | None = None
    request_headers: frozenset[bytes] = frozenset()
    answer_headers: frozenset[bytes] = frozenset()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    account_headers: frozenset[bytes] = frozenset()
    settings: tuple[Setting, ...] = ()
    prefixes: tuple[str, ...] = ()
    deadlines: Deadlines = Deadlines()
    slots: int | None = None
    balance: str = "round_robin"
    apis: tuple[Api, ...] = ()
    home: Callable[[Settings], str] | None = None
    keys: str | None = None
    identity: str | None = None
    lists_targets: bool = True
    lacks: frozenset[Lack] = frozenset()

    def credential_line(self, key: str) -> bytes:
        """The header line that carries this key, or nothing where none is sent. Raises ValueError, without the key."""
        if self.credential is None:
            return b""
        name, form = self.credential
        if not (key and key.isascii() and key.isprintable()):
            raise ValueError(f"a key for {self.name} is empty or has characters that no header may carry")
        return f"{name}: {form.format(key)}\r\n".encode("ascii")

    def base(self, url: str) -> str:
        """This base URL without what the operations' paths begin with, however it was written."""
        path = urlsplit(url).path
        return next((url.removesuffix(prefix) for prefix in self.prefixes if path.endswith(prefix)), url)

    def is_at_its_vendor(self, url: str) -> bool:
        """Whether an endpoint with this URL is the vendor's own, and not a server that speaks the same."""
        return bool(self.base_url) and urlsplit(url).hostname == urlsplit(self.base_url or "").hostname

    @property
    def whose_keys(self) -> str:
        return self.keys or self.dialect

    def api(self, model: str, settings: Settings = NONE, stated: str | None = None) -> Api:
        """How a target with this model is asked."""
        if stated is not None and (named := next((api for api in self.apis if api.name == stated), None)):
            return named
        fitting = (api for api in self.apis if api.is_for(model, settings))
        return next(fitting, Api("", self.dialect, self.operations))

    def lacks_of(self, model: str, settings: Settings = NONE, stated: str | None = None) -> frozenset[Lack]:
        """What a target with this model can't do."""
        lacks = self.api(model, settings, stated).lacks
        return self.lacks if lacks is None else lacks

    def path(self, url: str, operation: Operation, settings: Settings = NONE) -> bytes:
        """The path to send this operation to, at an endpoint with this URL."""
        return path(url, dict(self.operations)[operation], settings)

    def zone_of(self, url: str) -> Zone | None:
        """Where an endpoint with this URL is; None if that can't be told and must be stated."""
        if self.zone != "by_host":
            return self.zone
        host = urlsplit(url).hostname or ""
        if is_local(host):
            return "local"
        return "cloud" if is_vendor(host) or self.is_at_its_vendor(url) else None


def path(url: str, template: str, fields: Settings) -> bytes:
    """The path at an endpoint with this URL. What is filled in may hold anything: it stays one segment."""
    filled = template.format_map({name: quote(value, safe="@:") for name, value in fields.items()})
    return (urlsplit(url).path.rstrip("/") + filled).encode("ascii")
