"""What the supervisor needs to know before the first process starts.

Saved beside the snapshot, so that a restart with an unchanged configuration reads neither YAML nor models.
"""

from typing import Literal

import msgspec

from earthward.config.snapshot import Tls


class Engine(msgspec.Struct, frozen=True):
    """An embedded model of the provider of that name. Without `model`, a GGUF file, the one that comes in a wheel.

    `context` is in tokens, for each of the `slots` requests that run at once.
    """

    provider: str
    model: str | None = None
    context: int | None = None
    slots: int | None = None
    threads: int | None = None


class Boot(msgspec.Struct, frozen=True):
    """`tls` is the listener's: its certificate and key, and in `ca` the one that callers must have theirs from.

    `store` is a URL, `state` a folder, `admin_token` a reference (None: one is made and kept in the state folder).
    """

    host: str
    port: int
    admin_host: str
    admin_port: int
    state: str
    store: str
    digest: str
    auth: Literal["keys", "passthrough", "open"] = "keys"
    tls: Tls | None = None
    admin_token: str | None = None
    engines: tuple[Engine, ...] = ()
    replica: str = "local"
