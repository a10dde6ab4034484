"""Whether the gateway can write where it must, with room to go on."""

import os
import shutil
import stat
from pathlib import Path

from earthward.probe.finding import Finding, note, ok, problem

GIGABYTE = 2**30
FULL, SCARCE = GIGABYTE // 2, 5 * GIGABYTE


def look(about: str, path: Path, *, is_folder: bool) -> list[Finding]:
    """At a file or folder that the gateway makes if it isn't there. Writes nothing."""
    place = path if path.exists() else _nearest(path.parent)
    found = _wrong_kind(about, path, is_folder=is_folder)
    if found:
        return [found]
    needed = os.W_OK | (os.X_OK | os.R_OK if place.is_dir() else os.R_OK)
    if not os.access(place, needed):
        what = f"{place} can't be written to by {_who()}"
        return [problem(about, what, f"give it to whoever runs the gateway: `chown {_who()} {place}`")]
    return [_room(about, path, place), *_openness(about, path)]


def _wrong_kind(about: str, path: Path, *, is_folder: bool) -> Finding | None:
    if path.exists() and path.is_dir() != is_folder:
        wanted = "folder" if is_folder else "file"
        return problem(about, f"{path} is no {wanted}", f"name another {wanted} in the configuration")
    nearest = _nearest(path.parent)
    if not nearest.is_dir():
        return problem(about, f"{nearest} is no folder", "name another place in the configuration")
    return None


def _room(about: str, path: Path, place: Path) -> Finding:
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return problem(about, f"{place} can't be looked at: {error.strerror}", "is the disk there?")
    told = f"{path}: writable, {free / GIGABYTE:.1f} GB free"
    if free < FULL:
        return problem(about, told, "make room: a record takes about half a kilobyte")
    if free < SCARCE:
        return note(about, told, "make room before it is full")
    return ok(about, told)


def _openness(about: str, path: Path) -> list[Finding]:
    """Keys, records and secrets are for the gateway alone."""
    if not path.exists() or not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return []
    return [problem(about, f"{path} can be read by others on this machine", f"chmod go= {path}")]


def _nearest(path: Path) -> Path:
    """The nearest of its parents that is there."""
    return next((it for it in (path, *path.parents) if it.exists()), Path("/"))


def _who() -> str:
    return os.environ.get("USER") or str(os.getuid())
