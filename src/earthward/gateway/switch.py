"""The emergency switch: a file in the state folder with the one zone that everything is sent to. Survives restarts."""

from pathlib import Path

import msgspec

from earthward.config.snapshot import Snapshot, Zone
from earthward.gateway.state import write_whole

ZONES: dict[str, Zone] = {"cloud": "cloud", "local": "local"}


def read(path: Path) -> Zone | None:
    """None where nothing is switched. A word that is no zone counts as none: a torn file must not stop the traffic."""
    try:
        return ZONES.get(path.read_text().strip())
    except (OSError, UnicodeDecodeError):
        return None


def write(path: Path, zone: Zone | None) -> None:
    """Raises OSError."""
    if zone is None:
        path.unlink(missing_ok=True)
    else:
        write_whole(path, f"{zone}\n".encode())


def switched(snapshot: Snapshot, zone: Zone | None) -> Snapshot:
    """The snapshot under this switch, with a version of its own, since workers decide otherwise by it."""
    version = snapshot.version.partition("+")[0]
    return msgspec.structs.replace(snapshot, switch=zone, version=f"{version}+{zone}" if zone else version)
