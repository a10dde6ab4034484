"""What the last start left in the state folder, for those who only want to know of it: reading it needs no worker."""

import msgspec

from earthward.config.boot import Boot
from earthward.config.snapshot import Snapshot
from earthward.gateway.state import State


class LastRun(msgspec.Struct, frozen=True):
    """What the last start found: only good for the same software and the same file."""

    software: str
    config: str
    digest: str
    boot: Boot


def read_snapshot(state: State) -> Snapshot:
    """The snapshot that lies in a state folder. Raises OSError or msgspec.DecodeError."""
    return msgspec.msgpack.decode(state.snapshot.read_bytes(), type=Snapshot)
