"""What callers are told of a path at which nothing is: where it is served, if their base URL is all that is wrong."""

from earthward.gateway.doors import BESIDE, DOORS, door_at
from earthward.gateway.lists import LISTS

_LISTED = frozenset(listed.path for listed in LISTS if not listed.is_beginning)
_DEEPEST = 8
"""Places in a path that are looked at: base URLs have few parts."""


def not_here(path: bytes) -> str:
    shown = path[:200].decode("latin-1")
    if _is_served(b"/v1" + path):
        return f"{shown} is not served here, but /v1{shown} is: end the base URL with /v1"
    if (more := _too_much(path)) is not None:
        said = more[:200].decode("latin-1")
        return f"{shown} is not served here, but would be without {said}: take that off the end of the base URL"
    served = ", ".join(sorted(name.decode() for name in (*DOORS, *BESIDE)))
    return f"{shown} is not served here; these are: {served}"


def _too_much(path: bytes) -> bytes | None:
    """What stands before a path that is served, or twice in it."""
    slashes = [place for place, byte in enumerate(path) if byte == ord("/")][1 : _DEEPEST + 1]
    for place in slashes:
        if _is_served(path[place:]):
            return path[:place]
        # The base URL was the whole address of what is asked, and the SDK added its end once more.
        if path[:place] in DOORS and path[:place].endswith(path[place:]):
            return path[place:]
        if path[place : place + 2] == b"//" and _is_served(path[:place] + path[place + 1 :]):
            return b"/"
    return None


def _is_served(path: bytes) -> bool:
    return path in _LISTED or door_at(path, b"") is not None
