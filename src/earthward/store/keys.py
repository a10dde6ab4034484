"""Callers' keys: made, listed, changed, rotated, revoked. What is stored of a key does not log anybody in.

A key is shown once, when it is made; stored is its HMAC under a pepper that lies in the state folder, not in the
database. Times are Unix nanoseconds and come as arguments.
"""

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from earthward.config.snapshot import Key, Quota
from earthward.store.digest import digest_of, pepper
from earthward.store.tables import keys

__all__ = [
    "KeyRow",
    "active_keys",
    "change",
    "create",
    "digest_of",
    "keys_version",
    "listed",
    "named",
    "pepper",
    "revoke",
    "rotate",
]

_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_ID_LENGTH = 6
# 32 random bytes are 43 characters.
_SECRET_BYTES = 32


class KeyRow(msgspec.Struct, frozen=True):
    """A key as people see it in a list. Empty `routes` are all of them, an empty `data_class` is none."""

    id: str
    name: str
    app: str
    team: str
    routes: tuple[str, ...]
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    data_class: str = ""
    may_explain: bool = False
    quota: Quota | None = None

    def state(self, now: int) -> str:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


def create(
    engine: Engine,
    pepper: bytes,
    now: int,
    *,
    name: str = "",
    app: str = "",
    team: str = "",
    routes: Sequence[str] = (),
    expires_at: int | None = None,
    data_class: str = "",
    may_explain: bool = False,
    quota: Quota | None = None,
) -> tuple[str, KeyRow]:
    """A new key, to be shown once, and what is kept of it."""
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        rights = (tuple(routes), now, expires_at, None, data_class, may_explain, quota)
        row = KeyRow(_free_id(connection), name, app, team, *rights)
        key = _new_key(row.id)
        columns = msgspec.structs.asdict(row) | {
            "routes": msgspec.json.encode(row.routes).decode(),
            "quota": _written(quota),
            "meter": None if quota is None else _free_meter(connection),
        }
        connection.execute(insert(keys).values(**columns, digest=digest_of(pepper, key.encode())))
    return key, row


def change(engine: Engine, id: str, **changes: Any) -> KeyRow | None:
    """The key as it is after the change, the secret staying what it was; None if there is none that is not revoked.

    `changes` are fields of a KeyRow.
    """
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        this = (keys.c.id == id) & keys.c.revoked_at.is_(None)
        found = connection.execute(select(keys.c.meter).where(this)).one_or_none()
        if found is None:
            return None
        values = dict(changes)
        if "routes" in changes:
            values["routes"] = msgspec.json.encode(changes["routes"]).decode()
        if "quota" in changes:
            quota = changes["quota"]
            values["quota"] = _written(quota)
            values["meter"] = None if quota is None else found.meter
            if quota is not None and found.meter is None:
                values["meter"] = _free_meter(connection)
        connection.execute(update(keys).where(this).values(**values, changes=keys.c.changes + 1))
    return next(row for row in listed(engine) if row.id == id)


def rotate(engine: Engine, pepper: bytes, id: str, now: int, overlap: int) -> str | None:
    """A new secret for a key, to be shown once; the one before it is good for `overlap` nanoseconds more. One that was
    still good from an earlier rotation is no longer. None if there is no such key."""
    key = _new_key(id)
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        this = (keys.c.id == id) & keys.c.revoked_at.is_(None)
        was = connection.scalar(select(keys.c.digest).where(this))
        if was is None:
            return None
        old = {"old_digest": was, "old_until": now + overlap} if overlap else {"old_digest": None, "old_until": None}
        new = {"digest": digest_of(pepper, key.encode()), "changes": keys.c.changes + 1}
        connection.execute(update(keys).where(this).values(**old, **new))
    return key


def named(engine: Engine, word: str) -> list[str]:
    """The ids of the keys that are not revoked and have this id or this name."""
    this = ((keys.c.id == word) | (keys.c.name == word)) & keys.c.revoked_at.is_(None)
    with engine.connect() as connection:
        return list(connection.scalars(select(keys.c.id).where(this).order_by(keys.c.created_at)))


def listed(engine: Engine) -> list[KeyRow]:
    """All keys there ever were, the oldest first."""
    columns = [keys.c[name] for name in KeyRow.__struct_fields__]
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(keys.c.created_at, keys.c.id)).all()
    return [
        msgspec.structs.replace(
            KeyRow(*row), routes=_routes(row.routes), may_explain=bool(row.may_explain), quota=_quota(row.quota)
        )
        for row in rows
    ]


def revoke(engine: Engine, id: str, now: int) -> bool:
    """Whether there is such a key; it is revoked from now on, or from when it was revoked before."""
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        first = update(keys).where(keys.c.id == id, keys.c.revoked_at.is_(None)).values(revoked_at=now, meter=None)
        if connection.execute(first).rowcount:
            return True
        return connection.scalar(select(keys.c.id).where(keys.c.id == id)) is not None


def active_keys(engine: Engine) -> list[Key]:
    """The keys that are not revoked, as workers know them; of those that expired a caller is to hear just that."""
    with engine.connect() as connection:
        rows = connection.execute(select(keys).where(keys.c.revoked_at.is_(None)).order_by(keys.c.id)).all()
    return [key for row in rows for key in _keys(row)]


def keys_version(engine: Engine) -> tuple[int, int, int]:
    """Differs from what it was before when a key was made, changed or revoked since."""
    counts = (func.count(), func.count(keys.c.revoked_at), func.coalesce(func.sum(keys.c.changes), 0))
    with engine.connect() as connection:
        made, revoked, changes = connection.execute(select(*counts).select_from(keys)).one()
    return made, revoked, changes


def _free_id(connection: Connection) -> str:
    while True:
        drawn = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
        if connection.scalar(select(keys.c.id).where(keys.c.id == drawn)) is None:
            return drawn


def _free_meter(connection: Connection) -> int:
    """The first place that no key has."""
    count, last = connection.execute(select(func.count(keys.c.meter), func.max(keys.c.meter))).one()
    if not count or last + 1 == count:
        return int(count)
    taken = connection.scalars(select(keys.c.meter).where(keys.c.meter.is_not(None)).order_by(keys.c.meter))
    return next(place for place, meter in enumerate(taken) if place != meter)


def _new_key(id: str) -> str:
    return f"ew-{id}-{secrets.token_urlsafe(_SECRET_BYTES)}"


def _keys(row: Row[Any]) -> Iterator[Key]:
    """What opens the gateway by this key: its secret, and for a while the one that it had before."""
    key = _key(row)
    yield key
    if row.old_digest is not None:
        until = row.old_until if row.expires_at is None else min(row.old_until, row.expires_at)
        yield msgspec.structs.replace(key, digest=row.old_digest, expires_at=until)


def _key(row: Row[Any]) -> Key:
    return Key(
        row.id,
        row.digest,
        row.app,
        row.team,
        _routes(row.routes),
        row.expires_at,
        row.data_class,
        bool(row.may_explain),
        _quota(row.quota),
        -1 if row.meter is None else row.meter,
    )


def _written(quota: Quota | None) -> str:
    return "" if quota is None else msgspec.json.encode(quota).decode()


def _quota(text: str) -> Quota | None:
    return msgspec.json.decode(text, type=Quota) if text else None


def _routes(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
