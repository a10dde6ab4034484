"""Where the store and the state folder are, for commands that work beside a gateway: as stated, else as configured."""

from pathlib import Path

import msgspec

CONFIG = Path("earthward.yaml")
STORE = "sqlite:///earthward.db"
STATE = Path("earthward-state")


class Location(msgspec.Struct, frozen=True):
    """`routes` are those of the configuration, None where none was read."""

    store: str
    state: Path
    routes: frozenset[str] | None = None


def location(config: Path | None, store: str | None, state: Path | None) -> Location:
    """What is not stated comes from the configuration, and if there is none, is where a gateway would put it.

    Raises config.problems.ConfigErrors when there is a configuration that can't be read.
    """
    if config is None and (CONFIG.exists() and (store is None or state is None)):
        config = CONFIG
    if config is None:
        return Location(store or STORE, state or STATE)
    # Reading a configuration takes a third of a second that the other ways need not wait for.
    from earthward.config.load import load

    configured = load(config)
    routes = frozenset(route.name for route in configured.routes)
    return Location(store or configured.store, state or configured.state, routes)
