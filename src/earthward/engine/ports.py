"""A port for a server that is yet to start, or will be started again.

The system gives any port of its own range to whoever asks for none in particular, and one to every connection that
goes out: such a port may be gone by the time the server wants it. What is given here lies below that range.
"""

import secrets
import socket
from pathlib import Path

FIRST = 20_000
BEHIND_LAST = 32_768
"""Where the system's own range begins, unless somebody has moved it."""
OWN_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
HOST = "127.0.0.1"


def free_port(own_range: Path = OWN_RANGE) -> int:
    """One on which nobody listens. Where the system's range leaves no room below it, any that is free."""
    ports = range(FIRST, min(BEHIND_LAST, _begins(own_range)))
    for _ in range(100 if ports else 0):
        port = _bound(secrets.choice(ports))
        if port is not None:
            return port
    return _bound(0) or 0


def _begins(own_range: Path) -> int:
    try:
        return int(own_range.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return BEHIND_LAST


def _bound(port: int) -> int | None:
    with socket.socket() as trial:
        try:
            trial.bind((HOST, port))
        except OSError:
            return None
        found: int = trial.getsockname()[1]
        return found
