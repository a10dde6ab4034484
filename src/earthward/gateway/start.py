"""What must be settled before the first process starts: a configuration that is sound, and its snapshot on disk.

A configuration that is unchanged since the last run is not read again: its snapshot is on disk already, and taking
that needs neither the YAML reader nor the models. Secrets are looked up either way, so that a missing one is told
at once.
"""

import hashlib
import ipaddress
import os
import re
from datetime import date
from pathlib import Path

import msgspec

from earthward import __version__
from earthward.config import secrets
from earthward.config.boot import Boot
from earthward.config.snapshot import Snapshot
from earthward.gateway.last_run import LastRun, read_snapshot
from earthward.gateway.state import State, write_whole
from earthward.gateway.supervisor import CannotStart, writing_to
from earthward.http.client import client_context
from earthward.providers import KINDS

_STATE_LINE = re.compile(rb"^state:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
DEFAULT_STATE = "earthward-state"


def prepare(config: Path, *, host: str | None = None) -> Boot:
    """The boot settings of this file, its snapshot now being in the state folder. Raises CannotStart.

    `host` is where it will really listen, if not where the file says.
    """
    config = config.resolve()
    try:
        data = config.read_bytes()
    except OSError as error:
        raise CannotStart(f"can't read {config}: {error.strerror}; name another file with -c") from error
    digest = hashlib.sha256(data).hexdigest()
    boot = _of_last_run(config, data, digest) or _of_file(config, digest)
    refuse_unlocked_beyond_loopback(boot.auth, host or boot.host)
    return boot


def last_state_of(config: Path) -> State | None:
    """The state folder of the gateway that ran last with this file, whatever was made of the file's other lines."""
    config = config.resolve()
    try:
        state = _state_named(config, config.read_bytes())
        last = msgspec.msgpack.decode(state.boot.read_bytes(), type=LastRun)
    except (OSError, msgspec.DecodeError):
        return None
    return state if last.config == str(config) else None


def _state_named(config: Path, data: bytes) -> State:
    named = _STATE_LINE.search(data)
    return State(config.parent / (named[1].decode("utf-8", "replace") if named else DEFAULT_STATE))


def _of_last_run(config: Path, data: bytes, digest: str) -> Boot | None:
    state = _state_named(config, data)
    try:
        last = msgspec.msgpack.decode(state.boot.read_bytes(), type=LastRun)
        snapshot = read_snapshot(state)
    except (OSError, msgspec.DecodeError):
        return None
    if (last.software, last.config, last.digest) != (__version__, str(config), digest) or snapshot.digest != digest:
        return None
    refuse_unusable(snapshot)
    return last.boot


def _of_file(config: Path, digest: str) -> Boot:
    from earthward.config.compile import compile
    from earthward.config.load import ConfigErrors, load

    try:
        configuration = load(config)
    except ConfigErrors as errors:
        raise CannotStart(str(errors)) from errors
    boot = configuration.boot()
    state = State(Path(boot.state))
    with writing_to(state.folder):
        state.make()
    try:
        before = read_snapshot(state)
    except (OSError, msgspec.DecodeError):
        before = None
    snapshot = compile(configuration, before, day=date.today())
    refuse_unusable(snapshot)
    with writing_to(state.folder):
        write_whole(state.snapshot, msgspec.msgpack.encode(snapshot))
        write_whole(state.boot, msgspec.msgpack.encode(LastRun(__version__, str(config), digest, boot)))
    return boot


def refuse_unusable(snapshot: Snapshot) -> None:
    """Raises CannotStart if a worker could not be built from this: a secret or a certificate that can't be had."""
    try:
        secrets.content_keys(snapshot.content_key, os.environ, lambda path: Path(path).read_text())
    except (LookupError, OSError, ValueError) as error:
        raise CannotStart(f"content_key: {error}") from error
    for provider in snapshot.providers:
        kind = KINDS[provider.kind]
        try:
            for reference in provider.api_keys:
                kind.credential_line(secrets.resolve(reference, os.environ, lambda path: Path(path).read_text()))
            if any(endpoint.url.startswith("https:") for endpoint in provider.endpoints):
                client_context(provider.tls.ca, provider.tls.certificate, provider.tls.key)
        except (LookupError, OSError, ValueError) as error:
            raise CannotStart(f"provider {provider.name}: {error}") from error


def refuse_unlocked_beyond_loopback(auth: str, host: str) -> None:
    """`--host` must not open what the configuration may only serve on loopback. Raises CannotStart."""
    if auth == "open" and not is_loopback(host):
        raise CannotStart(f"`auth: open` is for loopback only, not for {host}; set `auth: keys`")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
