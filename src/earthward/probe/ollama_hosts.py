"""What is particular to Ollama: how old it is, who else can reach it, what it would send on, and what its models say
unasked."""

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil

from earthward.probe.fetch import Unreachable, get
from earthward.probe.finding import Finding, note, ok, problem
from earthward.probe.servers import ollama
from earthward.probe.upstreams import Look
from earthward.providers.hosts import is_loopback

OLDEST = (0, 12, 4)
"""The first that can be told to refuse what is too long, instead of forgetting its beginning."""


class _Version(msgspec.Struct):
    version: str


class _Cloud(msgspec.Struct, frozen=True):
    disabled: bool = False


class _Status(msgspec.Struct):
    cloud: _Cloud = _Cloud()


class _Shown(msgspec.Struct):
    system: str | None = None
    messages: list[Any] | None = None


def look(at: Look, own_addresses: Iterable[str]) -> list[Finding]:
    """Nothing if it isn't reachable: that has been found already."""
    try:
        answer = get(f"{at.endpoint.url}/api/version")
        if answer.status in (401, 403) and at.provider.api_keys:
            return [ok(f"{at.about}: exposure", "asks for a key")]
        version = msgspec.json.decode(answer.body, type=_Version).version
    except (Unreachable, msgspec.DecodeError):
        return []
    return [_age(at, version), *_exposure(at, own_addresses), *_cloud(at), *_contexts(at), *_baked_in(at)]


def own_addresses() -> list[str]:
    """This machine's, but for loopback and those that hold for one link only."""
    found = (it for addresses in psutil.net_if_addrs().values() for it in addresses)
    texts = (it.address for it in found if it.family in (socket.AF_INET, socket.AF_INET6))
    return [text for text in texts if "%" not in text and not is_loopback(text) and not _is_link_local(text)]


def _age(at: Look, version: str) -> Finding:
    about = f"{at.about}: Ollama"
    numbers = tuple(int(part) for part in re.findall(r"[0-9]+", version.partition("-")[0])[:3])
    if numbers and numbers < OLDEST:
        needed = ".".join(map(str, OLDEST))
        what = f"is version {version}, which forgets the beginning of what is too long without a word"
        return problem(about, what, f"upgrade it to {needed} or later")
    return ok(about, f"is version {version}")


def _exposure(at: Look, addresses: Iterable[str]) -> Iterator[Finding]:
    about = f"{at.about}: exposure"
    parts = urlsplit(at.endpoint.url)
    if not is_loopback(parts.hostname or ""):
        if at.provider.api_keys:
            yield problem(
                about, "answers without the key it is given here", "let what is in front of it ask for the key"
            )
        else:
            do = "let a firewall admit this machine alone, or put something in front that asks for a key"
            yield note(about, "asks nobody for a key: whoever reaches it can use, remove and replace its models", do)
        return
    open_at = [address for address in addresses if _answers(f"http://{_bracketed(address)}:{parts.port or 80}")]
    if open_at:
        what = f"answers on {', '.join(open_at)} as well, and asks nobody for a key"
        yield problem(about, what, "start it with OLLAMA_HOST=127.0.0.1, or let a firewall close its port")
    else:
        yield ok(about, "answers on this machine only")


def _answers(url: str) -> bool:
    """Whether an Ollama answers. A Host that it doesn't take for its own is refused with 403 and no version."""
    try:
        msgspec.json.decode(get(f"{url}/api/version", seconds=1.0).body, type=_Version)
    except (Unreachable, msgspec.DecodeError):
        return False
    return True


def _cloud(at: Look) -> Iterator[Finding]:
    try:
        answer = get(f"{at.endpoint.url}/api/status")
        is_off = answer.status == 200 and msgspec.json.decode(answer.body, type=_Status).cloud.disabled
    except (Unreachable, msgspec.DecodeError):
        is_off = False
    about = f"{at.about}: cloud"
    if is_off:
        yield ok(about, "sends nothing on to ollama.com")
    else:
        what = "sends what models named `…-cloud` are asked on to ollama.com"
        yield note(about, what, "start it with OLLAMA_NO_CLOUD=1 if nobody there uses them")


def _contexts(at: Look) -> Iterator[Finding]:
    made_for = _made_for(at)
    for target in at.targets:
        about, longest = f"target {target.name}", made_for[target.model]
        if target.zone != "local":
            continue
        if target.context is None:
            what = "has no `context`, so its window depends on that machine's GPU"
            yield note(about, what, "state it, such as `context: 16384`")
        elif longest and target.context > longest:
            what = f"has a `context` of {target.context:,}, and {target.model} was made for {longest:,}"
            yield note(about, f"{what}: no host gives it more", f"state no more than {longest}")


def _made_for(at: Look) -> dict[str, int]:
    """By model, as far as the host is new enough to tell in its list."""
    host = ollama(at.endpoint.url)
    told = {it.name: it.context for it in (host.models if host else ()) if it.context}
    return {it.model: told.get(it.model) or told.get(f"{it.model}:latest", 0) for it in at.targets}


def _baked_in(at: Look) -> Iterator[Finding]:
    """What a Modelfile puts before what callers say."""
    for target in at.targets:
        try:
            asked = msgspec.json.encode({"model": target.model})
            shown = msgspec.json.decode(get(f"{at.endpoint.url}/api/show", body=asked).body, type=_Shown)
        except (Unreachable, msgspec.DecodeError):
            continue
        about = f"{at.about}: model {target.model}"
        if shown.messages:
            what = f"has {len(shown.messages)} MESSAGE of its own, which its host puts before every request"
            yield note(about, what, "name a model without, such as the one it was made from")
        if shown.system:
            what = "has a SYSTEM of its own, which its host puts before requests that bring no system text"
            yield note(about, what, "let applications bring theirs, or name the model that it was made from")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _is_link_local(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_link_local
    except ValueError:
        return True
