"""What of people's words is stored, sealed: AES-256-GCM under a key that the store has not got, and for a time only.

Knows neither what is sealed nor which table it lies in. A table of content has the columns that `columns` gives.
"""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import BigInteger, Column, Engine, LargeBinary, Table, delete, select

SWEPT_AT_ONCE = 500
"""Rows that one transaction deletes: others may write in between."""
_VERSION = b"\x01"
_ID, _NONCE, _TAG = 8, 12, 16
_HEAD = len(_VERSION) + _ID


class Unreadable(Exception):
    """Sealed bytes that can't be opened: under a key that is not here, for another row, or changed since."""


class ContentKey:
    """Made of a secret of any form, as `config.secrets.content_keys` lets through. `id` names the key in what it has
    sealed, and tells nothing of it."""

    __slots__ = ("_cipher", "id")

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(_derived(secret, b"earthward content", 32))
        self.id = _derived(secret, b"earthward content id", _ID)

    def seal(self, plain: bytes, about: bytes, nonce: bytes | None = None) -> bytes:
        """`about` names the row: sealed bytes that were moved to another one don't open there."""
        nonce = nonce or os.urandom(_NONCE)
        return _VERSION + self.id + nonce + self._cipher.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises Unreadable."""
        nonce, rest = sealed[_HEAD : _HEAD + _NONCE], sealed[_HEAD + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, rest, about)
        except InvalidTag:
            raise Unreadable("stored content was changed, or belongs to another row") from None


class ContentKeys:
    """The key that seals, and older ones that still open what they sealed."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """At least one secret, the one that seals first."""
        keys = [ContentKey(secret) for secret in secrets]
        self._first = keys[0]
        self._known = {key.id: key for key in keys}

    def seal(self, plain: bytes, about: bytes) -> bytes:
        return self._first.seal(plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises Unreadable."""
        if len(sealed) < _HEAD + _NONCE + _TAG or sealed[:1] != _VERSION:
            raise Unreadable("stored content is in no form that this version knows")
        key = self._known.get(key_id_of(sealed))
        if key is None:
            raise Unreadable(f"stored content is sealed under the key {key_id_of(sealed).hex()}, which is not here")
        return key.open(sealed, about)


def key_id_of(sealed: bytes) -> bytes:
    return sealed[len(_VERSION) : _HEAD]


def columns() -> tuple[Column[bytes], Column[int]]:
    """What each table of content has: the sealed bytes, and when the row must be gone (Unix nanoseconds)."""
    return Column("sealed", LargeBinary, nullable=False), Column("expires_at", BigInteger, nullable=False)


def sweep(engine: Engine, table: Table, now: int) -> int:
    """Deletes the rows whose time is over; how many. `table` has a single primary key."""
    (key,) = table.primary_key.columns
    over = select(key).where(table.c.expires_at <= now).order_by(table.c.expires_at).limit(SWEPT_AT_ONCE)
    swept = 0
    while True:
        with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
            gone = connection.execute(delete(table).where(key.in_(over))).rowcount
        swept += gone
        if gone < SWEPT_AT_ONCE:
            break
    if swept:
        _empty_log(engine)
    return swept


def _empty_log(engine: Engine) -> None:
    """Of what was deleted, SQLite's log may still hold copies. Others are not kept waiting for it: where they read just
    now, the log is written over as it is used."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout=50")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.execute(f"PRAGMA busy_timeout={patience}")
    finally:
        connection.close()


def _derived(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=purpose).derive(secret.encode())
