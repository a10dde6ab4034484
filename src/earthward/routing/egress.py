"""Which data may leave the house. Asked when attempts are planned, and again at the last step before the socket."""

from collections.abc import Iterable
from typing import Literal

from earthward.config.snapshot import DATA_CLASSES, Zone

UNCLASSIFIED = "internal"
"""What a request counts as that nobody has put in a class."""

MAY_LEAVE = frozenset({"public", "internal"})

_STRICTNESS = {name: place for place, name in enumerate(DATA_CLASSES)}
_IN_DOUBT = len(DATA_CLASSES)


def may_leave(data_class: str, zone: Zone) -> bool:
    """Whether data of this class may go to a target in this zone. A word that is no class is in doubt, and stays."""
    return zone == "local" or (data_class or UNCLASSIFIED) in MAY_LEAVE


def why_not(data_class: str, boundary: Literal["local"] | None, zone: Zone) -> str | None:
    """Why a request may not go to a target in this zone, or None if it may."""
    if not may_leave(data_class, zone):
        return f"data of class {data_class} may not leave for the {zone}"
    if boundary is not None and zone != boundary:
        return f"the route keeps everything {boundary}"
    return None


def strictest(classes: Iterable[str]) -> str:
    """The one of these classes that binds most; a word that is no class binds more than any that is."""
    return max(classes, key=_strictness)


def _strictness(data_class: str) -> int:
    return _STRICTNESS.get(data_class or UNCLASSIFIED, _IN_DOUBT)
