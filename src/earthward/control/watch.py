"""Notices that the configuration file has changed, and turns it into a snapshot, whole or not at all."""

import hashlib
import logging
from datetime import date
from pathlib import Path

from earthward.config.boot import Boot
from earthward.config.compile import compile
from earthward.config.load import ConfigErrors, load
from earthward.config.snapshot import Snapshot

log = logging.getLogger("earthward.config")

Stamp = tuple[int, int, int]


class ConfigWatch:
    """`problem` says why the file as it now is was refused, or is empty."""

    def __init__(self, path: Path, boot: Boot, snapshot: Snapshot) -> None:
        self._path = path
        self._boot = boot
        self._snapshot = snapshot
        # A file that was changed before this process looked, or while it was away, is news as well.
        self._seen: Stamp | None = stamp(path) if digest_of(path) == snapshot.digest else None
        self.problem = ""

    def look(self, *, anyway: bool = False) -> Snapshot | None:
        """The new snapshot if the file changed (or `anyway`) and is sound; None otherwise."""
        now = stamp(self._path)
        if now == self._seen and not anyway:
            return None
        self._seen = now
        try:
            configuration = load(self._path)
            snapshot = compile(configuration, self._snapshot, day=date.today())
        except ConfigErrors as errors:
            self._refuse(str(errors))
            return None
        except OSError as error:
            self._refuse(str(error))
            return None
        fixed = needs_restart(self._boot, configuration.boot())
        if fixed:
            self._refuse(f"{', '.join(fixed)} can't change while the gateway runs: restart it")
            return None
        if self.problem:
            log.info("the configuration is sound again")
        self.problem = ""
        if snapshot.version == self._snapshot.version:
            return None
        self._snapshot = snapshot
        return snapshot

    def _refuse(self, problem: str) -> None:
        self.problem = problem
        log.error("the changed configuration is refused, %s stays in force:\n%s", self._snapshot.version, problem)


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
