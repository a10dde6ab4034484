"""The state folder: which file is what. Nothing in it is readable for others."""

import os
from pathlib import Path

from earthward.store.digest import kept_secret


class State:
    """Paths inside a gateway's state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.snapshot = folder / "snapshot.msgpack"
        self.boot = folder / "boot.msgpack"
        self.keys = folder / "keys.msgpack"
        self.board = folder / "board"
        self.meters = folder / "meters"
        self.spool = folder / "spool"
        self.control_socket = folder / "control.sock"
        self.content_socket = folder / "content.sock"
        self.observed = folder / "observed"
        self.responses_socket = folder / "responses.sock"
        self.supervisor = folder / "supervisor"
        self.supervisor_lock = folder / "supervisor.lock"
        self.control_lock = folder / "control.lock"
        self.admin_token = folder / "admin.token"
        self.switch = folder / "switch"
        self.rollouts = folder / "rollouts"
        self.admin_url = folder / "admin.url"

    def make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.spool.mkdir(mode=0o700, exist_ok=True)

    def secret(self, name: str) -> bytes:
        """A random secret of this gateway, made on first use and kept."""
        return kept_secret(self.folder, name)


def write_whole(path: Path, data: bytes) -> None:
    """Replaces a file in one step: a reader sees the old content or the new, never a part."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
