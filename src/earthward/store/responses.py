"""Responses that callers had stored: each a turn of a conversation, sealed, of one owner, for a time.

A turn is deleted by itself: those after it can then not be gone on from, since what was said before them is gone.
"""

from typing import Literal

import msgspec
from sqlalchemy import Engine, delete, insert, select, update

from earthward.store.content import ContentKeys, Unreadable, sweep
from earthward.store.tables import responses

LONGEST_CONVERSATION = 1000
"""Turns."""


class Kept(msgspec.Struct, frozen=True):
    """A response to keep. Times are Unix nanoseconds; `previous` is empty for the first of a conversation."""

    id: str
    owner: str
    root: str
    previous: str
    created_at: int
    expires_at: int
    content: bytes


class Found(msgspec.Struct, frozen=True):
    """The turns of a conversation up to the one that was asked for, the first one first; or why there is none.

    `missing` is for one that is not here, or somebody else's; `broken` for one before which a turn was deleted.
    """

    state: Literal["ok", "missing", "broken", "unreadable"]
    root: str = ""
    contents: tuple[bytes, ...] = ()


def keep(engine: Engine, keys: ContentKeys, it: Kept) -> None:
    """Puts it in the store; its whole conversation is kept as long as its last turn."""
    row = {name: getattr(it, name) for name in ("id", "owner", "root", "previous", "created_at", "expires_at")}
    sealed = keys.seal(it.content, _about(it.id, it.owner))
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        connection.execute(insert(responses).values(**row, sealed=sealed))
        of_conversation = (responses.c.root == it.root) & (responses.c.owner == it.owner)
        shorter = responses.c.expires_at < it.expires_at
        connection.execute(update(responses).where(of_conversation & shorter).values(expires_at=it.expires_at))


def conversation(engine: Engine, keys: ContentKeys, id: str, owner: str, now: int) -> Found:
    """All turns up to this response."""
    with engine.connect() as connection:
        mine = (responses.c.owner == owner) & (responses.c.expires_at > now)
        root = connection.scalar(select(responses.c.root).where((responses.c.id == id) & mine))
        if root is None:
            return Found("missing")
        rows = connection.execute(
            select(responses.c.id, responses.c.previous, responses.c.sealed).where((responses.c.root == root) & mine)
        ).all()
    return _chain(keys, id, owner, root, {row.id: (row.previous, row.sealed) for row in rows})


def response(engine: Engine, keys: ContentKeys, id: str, owner: str, now: int) -> Found:
    """This one alone."""
    one = (responses.c.id == id) & (responses.c.owner == owner) & (responses.c.expires_at > now)
    with engine.connect() as connection:
        row = connection.execute(select(responses.c.root, responses.c.sealed).where(one)).first()
    if row is None:
        return Found("missing")
    return _chain(keys, id, owner, row.root, {id: ("", row.sealed)})


def forget(engine: Engine, id: str, owner: str) -> bool:
    """Whether there was such a response of this owner; now there is none."""
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        one = (responses.c.id == id) & (responses.c.owner == owner)
        return connection.execute(delete(responses).where(one)).rowcount > 0


def forget_expired(engine: Engine, now: int) -> int:
    return sweep(engine, responses, now)


def _chain(keys: ContentKeys, id: str, owner: str, root: str, rows: dict[str, tuple[str, bytes]]) -> Found:
    contents: list[bytes] = []
    at = id
    while at:
        if at not in rows or len(contents) >= LONGEST_CONVERSATION:
            return Found("broken", root)
        previous, sealed = rows[at]
        try:
            contents.append(keys.open(sealed, _about(at, owner)))
        except Unreadable:
            return Found("unreadable", root)
        at = previous
    return Found("ok", root, tuple(reversed(contents)))


def _about(id: str, owner: str) -> bytes:
    return f"response {id} of {owner}".encode()
