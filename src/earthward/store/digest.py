"""What a caller's key is looked up by: a keyed hash, so that a stolen table opens no door."""

import contextlib
import hmac
import os
import secrets
from pathlib import Path

PEPPER = "pepper"


def digest_of(pepper: bytes, presented: bytes) -> bytes:
    """What a presented key is looked up by."""
    return hmac.digest(pepper, presented, "sha256")


def pepper(state: Path) -> bytes:
    """The secret of this state folder that keys are hashed with. Without it no stored key works any more."""
    return kept_secret(state, PEPPER)


def kept_secret(state: Path, name: str) -> bytes:
    """A random secret of this state folder, made on first use, the same for all processes."""
    path = state / name
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Whole before it has its name: another process may look for it at the same time.
    fresh = state / f".{name}.{secrets.token_hex(4)}"
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(secrets.token_hex(32).encode())
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
    return path.read_bytes()
