"""Whether providers are there, take the gateway's keys, and have the models that targets name. Sends no prompt."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from earthward.config import secrets
from earthward.config.snapshot import Endpoint, Provider, Snapshot, Target
from earthward.dialects.ollama import is_cloud_model
from earthward.http.proxy import proxy_for
from earthward.http.tls import client_context
from earthward.probe.fetch import Answer, Unreachable, get
from earthward.probe.finding import Finding, note, ok, problem
from earthward.probe.google_identity import NoToken, token
from earthward.providers import KINDS

SECONDS = 8.0
MOST_SHOWN = 5
KEY_FROM = {
    "env": "set it, in the environment that the gateway is started in",
    "file": "put the key into that file, where the gateway's user may read it",
}
SKEW = 30.0
"""Seconds. Beyond it, records and deadlines of different machines no longer go together, and certificates may fail."""


class Look(msgspec.Struct, frozen=True):
    """What is to be looked at: one endpoint, and the targets that name its provider."""

    provider: Provider
    endpoint: Endpoint
    targets: tuple[Target, ...]
    brings_key: bool = False
    """Whether callers bring the key, so that there is none to try."""

    @property
    def about(self) -> str:
        many = len(self.provider.endpoints) > 1
        return f"{self.provider.name} ({urlsplit(self.endpoint.url).netloc})" if many else self.provider.name


class Seen(msgspec.Struct, frozen=True):
    """`skew` is how many seconds the provider's clock is ahead of ours, where it is to be trusted."""

    findings: tuple[Finding, ...]
    skew: float | None = None


class _Listed(msgspec.Struct):
    id: str = ""
    name: str = ""
    owned_by: str | None = ""


class _List(msgspec.Struct):
    data: list[_Listed] | None = None
    models: list[_Listed] | None = None


def looks(snapshot: Snapshot) -> list[Look]:
    """One for each endpoint, those that the gateway runs itself left aside."""
    return [
        Look(provider, endpoint, _targets_at(snapshot, provider), _brings_key(snapshot, provider))
        for provider in snapshot.providers
        if not KINDS[provider.kind].is_embedded
        for endpoint in provider.endpoints
    ]


def look(at: Look, environ: Mapping[str, str]) -> Seen:
    """All there is to find out about one endpoint."""
    resolved = []
    for reference in at.provider.api_keys:
        try:
            resolved.append(_resolved(reference, environ))
        except (LookupError, OSError, ValueError) as error:
            return Seen((problem(at.about, str(error), KEY_FROM[reference.partition(":")[0]]),))
    keys: list[str | None] = [*resolved] or [None]
    findings: list[Finding] = []
    if _has_identity(at.provider):
        try:
            keys = [token(dict(at.provider.settings).get("credentials")).value]
        except NoToken as error:
            do = "name the file of a service account in `credentials`, or run where Google knows the machine"
            return Seen((problem(at.about, str(error), do),))
    skew = None
    for number, key in enumerate(keys, 1):
        which = f"key {number}" if len(keys) > 1 else _named(at.provider) if key else "no key"
        try:
            answer = ask(at.provider, at.endpoint, key, environ)
        except (Unreachable, OSError, ValueError) as error:
            findings.append(problem(at.about, f"not reachable: {error}", _way_to(at, environ)))
            break
        findings += _about_answer(at, answer, which)
        skew = _skew(at, answer, datetime.now(UTC)) if skew is None else skew
        if number == 1 and answer.status == 200:
            findings += _about_models(at, answer) if KINDS[at.provider.kind].lists_targets else _not_listed(at)
    return Seen(tuple(findings), skew)


def ask(provider: Provider, endpoint: Endpoint, key: str | None, environ: Mapping[str, str]) -> Answer:
    """The provider's list of models, asked for in the way the gateway would send a request."""
    kind = KINDS[provider.kind]
    path = kind.path(endpoint.url, "models").decode() + ("?limit=1000" if kind.dialect == "anthropic_messages" else "")
    headers = {name.decode(): value.decode() for name, value in kind.headers} | dict(provider.headers)
    if key is not None and _has_identity(provider):
        headers["authorization"] = f"Bearer {key}"
    elif key is not None:
        name, _, value = kind.credential_line(key).decode().rstrip("\r\n").partition(": ")
        headers |= {name: value} if name else {}
    parts = urlsplit(endpoint.url)
    tls = provider.tls
    return get(
        f"{parts.scheme}://{parts.netloc}{path}",
        headers=headers,
        seconds=SECONDS,
        tls=client_context(tls.ca, tls.certificate, tls.key) if parts.scheme == "https" else None,
        proxy=_proxy(provider, endpoint, environ),
    )


def _has_identity(provider: Provider) -> bool:
    return KINDS[provider.kind].identity is not None and not provider.api_keys


def _named(provider: Provider) -> str:
    return "its access token" if _has_identity(provider) else "its key"


def clock(skews: Iterable[float | None]) -> Finding:
    """By the clocks of the vendors that were reached."""
    known = sorted((skew for skew in skews if skew is not None), key=abs)
    if not known:
        return note("clock", "could not be compared: no vendor in the cloud was reached")
    # The nearest: one vendor's clock may be wrong, but not all of them.
    off = known[0]
    if abs(off) > SKEW:
        what = f"this machine's clock is {abs(off):.0f} s {'behind' if off > 0 else 'ahead'}"
        return problem("clock", what, "let it be set by NTP: `timedatectl set-ntp true`")
    return ok("clock", "agrees with the vendors'")


def _targets_at(snapshot: Snapshot, provider: Provider) -> tuple[Target, ...]:
    return tuple(target for target in snapshot.targets if target.provider == provider.name)


def _brings_key(snapshot: Snapshot, provider: Provider) -> bool:
    is_in_cloud = provider.zone == "cloud" and not provider.api_keys and not _has_identity(provider)
    return snapshot.auth == "passthrough" and is_in_cloud


def _resolved(reference: str, environ: Mapping[str, str]) -> str:
    return secrets.resolve(reference, environ, lambda path: Path(path).read_text())


def _proxy(provider: Provider, endpoint: Endpoint, environ: Mapping[str, str]) -> str | None:
    return provider.proxy or (proxy_for(endpoint.url, environ) if provider.zone == "cloud" else None)


def _way_to(at: Look, environ: Mapping[str, str]) -> str:
    proxy = _proxy(at.provider, at.endpoint, environ)
    if proxy:
        return f"is the proxy at {urlsplit(proxy).hostname} up, and does it let this through?"
    if at.provider.kind == "ollama":
        return "is Ollama running there? `ollama serve`; is this its address?"
    return "is it running, is this its address, and does a firewall let it through?"


def _about_answer(at: Look, answer: Answer, which: str) -> Iterator[Finding]:
    match answer.status:
        case 200:
            yield ok(at.about, "reachable" + (f", {which} accepted" if which != "no key" else ""))
        case 401 | 403 if at.brings_key:
            yield ok(at.about, "reachable; callers bring its key")
        case 401 | 403:
            do = (
                "make a new one at the vendor, or see what it may do there" if which != "no key" else "add an `api_key`"
            )
            yield problem(at.about, f"{which} is refused ({answer.status})", do)
        case 404 | 405:
            yield note(at.about, "reachable, but lists no models here", "is `base_url` right? It ends before the path")
        case 429:
            yield note(
                at.about, f"reachable; {which} is out of quota for now (429)", "look at the limits at the vendor"
            )
        case status if 300 <= status < 400:
            yield problem(at.about, f"answers with a redirect ({status})", "write the address that it leads to")
        case status:
            yield problem(at.about, f"answers with {status}", "look at its log, or at the vendor's status page")


def _about_models(at: Look, answer: Answer) -> Iterator[Finding]:
    try:
        read = msgspec.json.decode(answer.body, type=_List)
    except (msgspec.DecodeError, msgspec.ValidationError):
        yield note(at.about, "what it lists can't be read, so models were not looked for", "is this the right `kind`?")
        return
    listed = (read.data if read.data is not None else read.models) or []
    names = [it.id or it.name.removeprefix("models/") for it in listed]
    # llama.cpp's server answers with the model it has, whatever it is asked for.
    takes_any = any(it.owned_by == "llamacpp" for it in listed)
    for target in at.targets:
        about = f"{at.about}: {target.model}"
        if _is_there(target.model, names, at.provider.kind):
            yield ok(about, "is there")
        elif takes_any:
            yield note(about, f"is called {', '.join(names[:1])} there; it answers all the same")
        elif at.provider.kind == "ollama" and is_cloud_model(target.model):
            yield note(about, "runs at ollama.com, not here", "sign in on that host: `ollama signin`")
        else:
            yield problem(about, f"is not there{_nearest(target.model, names)}", _how_to_get(at, target))


def _not_listed(at: Look) -> Iterator[Finding]:
    if at.targets:
        names = ", ".join(target.model for target in at.targets)
        yield note(at.about, f"does not tell whether it has {names}", "the first request to each will")


def _is_there(model: str, names: list[str], kind: str) -> bool:
    """A name may leave out its tag at Ollama, and its date at vendors."""
    if model in names:
        return True
    if kind == "ollama":
        return ":" not in model and f"{model}:latest" in names
    return any(name.startswith(f"{model}-2") for name in names)


def _nearest(model: str, names: list[str]) -> str:
    near = difflib.get_close_matches(model, names, n=1)
    if near:
        return f", did you mean `{near[0]}`?"
    shown = ", ".join(names[:MOST_SHOWN])
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return f"; it has {shown}{more}" if names else "; it has none"


def _how_to_get(at: Look, target: Target) -> str:
    if at.provider.kind == "ollama":
        return f"OLLAMA_HOST={urlsplit(at.endpoint.url).netloc} ollama pull {target.model}"
    return f"change `model` of the target `{target.name}`, or serve that model there"


def _skew(at: Look, answer: Answer, now: datetime) -> float | None:
    if at.provider.zone != "cloud":
        return None
    try:
        return (parsedate_to_datetime(answer.headers.get("date", "")) - now).total_seconds()
    except (TypeError, ValueError):
        return None
