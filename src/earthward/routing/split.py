"""Who is kept on which arm of a route.

A unit's bucket is drawn from its name by a keyed hash, so it needs no memory, can't be guessed or chosen by a caller,
and stays put: raising the share only ever moves units to the candidate. Each route and epoch draws anew.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

from earthward.config.snapshot import PILOT_GROUPS, PILOT_USER, Route
from earthward.ledger.record import Arm

BUCKETS = 10_000
_LONGEST_KEY = 64


def unit(
    route: Route,
    *,
    salt: bytes,
    key: str,
    header: str = "",
    user: str | None = None,
    root: Callable[[], str | bytes],
) -> str:
    """The name a unit has on record: a keyed hash, since what it is made of may name a person.

    The caller's unit header comes first, then the request's user field, then the conversation, of which `root` gives
    the system text and first user message. A route with `unit: key` looks at the key alone.
    """
    if route.unit == "key":
        return named(salt, key)
    given = header or user
    if given:
        return named(salt, given)
    text = root()
    conversation = _conversation(salt, key).copy()
    conversation.update(_sized(text if isinstance(text, bytes) else _bytes(text)))
    return conversation.hexdigest()


def named(salt: bytes, name: str) -> str:
    """What a unit that was named, and not found from its conversation, is called on record."""
    digest = _begun(salt, _sized(b"named"), 16).copy()
    digest.update(_sized(_bytes(name)))
    return digest.hexdigest()


def arm(route: Route, unit: str, salt: bytes, *, key: str = "", app: str = "", team: str = "") -> tuple[Arm, int]:
    """The arm this unit is on, and its bucket (-1 where nothing was drawn).

    Pilots, by unit or by the key they call with, its app or its team, are always the candidate's.
    """
    if route.candidate is None:
        return ("baseline" if route.use is None else "only"), -1
    if route.pilots and is_pilot(route, unit, salt, key, app, team):
        return "candidate", -1
    drawn = bucket(route, unit, salt)
    return ("candidate" if drawn < route.share else "baseline"), drawn


def bucket(route: Route, unit: str, salt: bytes) -> int:
    """0 to 9,999, evenly."""
    digest = _draw(route, salt).copy()
    digest.update(unit.encode())
    return int.from_bytes(digest.digest()) % BUCKETS


class Draw:
    """`unit` and `arm`, for a route without pilots and one caller: what is the same each time is worked out once."""

    __slots__ = ("_conversation", "_draw", "_salt", "_share", "_unit")

    def __init__(self, route: Route, salt: bytes, key: str, header: str = "") -> None:
        is_fixed = header or route.unit == "key"
        self._unit = unit(route, salt=salt, key=key, header=header, root=bytes) if is_fixed else ""
        self._salt = salt
        self._conversation = _conversation(salt, key)
        self._draw = _draw(route, salt)
        self._share = route.share

    def unit(self, user: str | None, root: bytes) -> str:
        if self._unit:
            return self._unit
        if user:
            return named(self._salt, user)
        conversation = self._conversation.copy()
        conversation.update(len(root).to_bytes(8) + root)
        return conversation.hexdigest()

    def arm(self, unit: str) -> Arm:
        draw = self._draw.copy()
        draw.update(unit.encode())
        return "candidate" if int.from_bytes(draw.digest()) % BUCKETS < self._share else "baseline"


def is_pilot(route: Route, unit: str, salt: bytes, key: str, app: str = "", team: str = "") -> bool:
    """Whether the route names this unit, key, app or team. `key:`, `user:`, `app:` and `team:` say which is meant; a
    name without them is a unit's or a key's."""
    pilots = route.pilots
    return (
        (bool(key) and (key in pilots or f"key:{key}" in pilots))
        or (bool(app) and f"app:{app}" in pilots)
        or (bool(team) and f"team:{team}" in pilots)
        or unit in _pilot_units(pilots, salt)
    )


@lru_cache(maxsize=1024)
def _pilot_units(pilots: frozenset[str], salt: bytes) -> frozenset[str]:
    users = (pilot.removeprefix(PILOT_USER) for pilot in pilots if not pilot.startswith(PILOT_GROUPS))
    return frozenset(named(salt, user) for user in users)


def _bytes(text: str) -> bytes:
    # JSON may hold half a surrogate pair.
    return text.encode("utf-8", "surrogatepass")


def _sized(part: bytes) -> bytes:
    # Lengths keep `ab` + `c` apart from `a` + `bc`.
    return len(part).to_bytes(8) + part


def _conversation(salt: bytes, key: str) -> blake2b:
    return _begun(salt, _sized(b"conversation") + _sized(_bytes(key)), 16)


def _draw(route: Route, salt: bytes) -> blake2b:
    return _begun(salt, f"{route.name}\0{route.epoch}\0".encode(), 8)


@lru_cache(maxsize=1024)
def _begun(salt: bytes, beginning: bytes, size: int) -> blake2b:
    """To be copied: taking in a key and what is the same for many costs more than what is hashed with it."""
    return blake2b(beginning, key=_key(salt), digest_size=size)


@lru_cache(maxsize=8)
def _key(salt: bytes) -> bytes:
    return salt if len(salt) <= _LONGEST_KEY else blake2b(salt).digest()
