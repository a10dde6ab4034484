"""Callers' keys: made, listed, revoked. What is stored of a key does not log anybody in.

A key is shown once, when it is made; stored is its HMAC under a pepper that lies in the state folder, not in the
database. Times are Unix nanoseconds and come as arguments.
"""

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from earthward.config.snapshot import Key
from earthward.store.digest import digest_of, pepper
from earthward.store.tables import keys

__all__ = ["KeyRow", "active_keys", "create", "digest_of", "keys_version", "listed", "pepper", "revoke"]

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
) -> tuple[str, KeyRow]:
    """A new key, to be shown once, and what is kept of it."""
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        row = KeyRow(
            _free_id(connection), name, app, team, tuple(routes), now, expires_at, None, data_class, may_explain
        )
        key = f"ew-{row.id}-{secrets.token_urlsafe(_SECRET_BYTES)}"
        columns = msgspec.structs.asdict(row) | {"routes": msgspec.json.encode(row.routes).decode()}
        connection.execute(insert(keys).values(**columns, digest=digest_of(pepper, key.encode())))
    return key, row


def listed(engine: Engine) -> list[KeyRow]:
    """All keys there ever were, the oldest first."""
    columns = [keys.c[name] for name in KeyRow.__struct_fields__]
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(keys.c.created_at, keys.c.id)).all()
    return [
        msgspec.structs.replace(KeyRow(*row), routes=_routes(row.routes), may_explain=bool(row.may_explain))
        for row in rows
    ]


def revoke(engine: Engine, id: str, now: int) -> bool:
    """Whether there is such a key; it is revoked from now on, or from when it was revoked before."""
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        first = update(keys).where(keys.c.id == id, keys.c.revoked_at.is_(None)).values(revoked_at=now)
        if connection.execute(first).rowcount:
            return True
        return connection.scalar(select(keys.c.id).where(keys.c.id == id)) is not None


def active_keys(engine: Engine) -> list[Key]:
    """The keys that are not revoked, as workers know them; of those that expired a caller is to hear just that."""
    with engine.connect() as connection:
        rows = connection.execute(select(keys).where(keys.c.revoked_at.is_(None)).order_by(keys.c.id)).all()
    return [_key(row) for row in rows]


def keys_version(engine: Engine) -> tuple[int, int]:
    """Differs from what it was before when a key was made or revoked since."""
    with engine.connect() as connection:
        made, revoked = connection.execute(select(func.count(), func.count(keys.c.revoked_at)).select_from(keys)).one()
    return made, revoked


def _free_id(connection: Connection) -> str:
    while True:
        drawn = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
        if connection.scalar(select(keys.c.id).where(keys.c.id == drawn)) is None:
            return drawn


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
    )


def _routes(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
