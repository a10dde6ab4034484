"""Notices that the configuration file has changed, and turns it into a snapshot, whole or not at all."""

import hashlib
import logging
from datetime import date
from pathlib import Path

import msgspec

from earthward.config.boot import Boot
from earthward.config.compile import compile
from earthward.config.load import ConfigErrors, load
from earthward.config.snapshot import Snapshot
from earthward.gateway.start import refuse_unlocked_beyond_loopback, refuse_unusable
from earthward.gateway.supervisor import CannotStart

log = logging.getLogger("earthward.config")

Stamp = tuple[int, int, int]


class ConfigWatch:
    """`problem` says why the file as it now is was refused, or is empty."""

    def __init__(self, path: Path, boot: Boot, snapshot: Snapshot, host: str) -> None:
        """`host` is where the gateway really listens, which need not be what the file says."""
        self._path = path
        self._boot = boot
        self._snapshot = snapshot
        self._host = host
        self._readings = 0
        # A file that was changed before this process looked, or while it was away, is news as well.
        self._seen: Stamp | None = stamp(path) if digest_of(path) == snapshot.digest else None
        self.problem = ""

    def look(self, *, anyway: bool = False) -> Snapshot | None:
        """The new snapshot if the file changed and is sound; None otherwise.

        With `anyway`, also if only what it refers to may have changed, such as a file with a secret.
        """
        now = stamp(self._path)
        if now == self._seen and not anyway:
            return None
        self._seen = now
        try:
            snapshot = self._read()
        except (ConfigErrors, CannotStart, OSError) as problem:
            self.problem = str(problem)
            log.error("the configuration is refused, %s stays in force:\n%s", self._snapshot.version, problem)
            return None
        if self.problem:
            log.info("the configuration is sound again")
        self.problem = ""
        if snapshot.version == self._snapshot.version and not anyway:
            return None
        if anyway:
            self._readings += 1
            snapshot = msgspec.structs.replace(snapshot, version=f"{snapshot.version}.{self._readings}")
        self._snapshot = snapshot
        return snapshot

    def _read(self) -> Snapshot:
        """The file as it is now, checked as far as workers will have to rely on it."""
        configuration = load(self._path)
        boot = configuration.boot()
        fixed = needs_restart(self._boot, boot)
        if fixed:
            raise CannotStart(f"{', '.join(fixed)} can't change while the gateway runs: restart it")
        refuse_unlocked_beyond_loopback(boot.auth, self._host)
        snapshot = compile(configuration, self._snapshot, day=date.today())
        refuse_unusable(snapshot)
        return snapshot


def stamp(path: Path) -> Stamp | None:
    """Tells one state of a file from another; None if it can't be read."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


FIXED = ("host", "port", "admin_host", "admin_port", "state", "store", "tls", "engines")
NAMES = {"host": "listen", "port": "listen", "admin_host": "admin", "admin_port": "admin"}


def needs_restart(before: Boot, after: Boot) -> list[str]:
    """The settings that differ and are only read at the start."""
    changed = (name for name in FIXED if getattr(before, name) != getattr(after, name))
    return sorted({NAMES.get(name, name) for name in changed})
