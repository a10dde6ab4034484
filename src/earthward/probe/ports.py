"""Whether the gateway can listen where it is to, or does already."""

import errno
import fcntl
import os
import socket
from pathlib import Path

import psutil

from earthward.probe.finding import Finding, ok, problem


def look(about: str, host: str, port: int, *, is_running: bool) -> Finding:
    """`is_running`: an Earthward with this state folder runs on this machine."""
    place = f"{f'[{host}]' if ':' in host else host}:{port}"
    if port == 0:
        return ok(about, "any free port")
    error = _try(host, port)
    if error is None:
        return ok(about, f"{place} is free")
    if error.errno == errno.EADDRINUSE and is_running:
        return ok(about, f"{place} is held by the Earthward that runs here")
    if error.errno == errno.EADDRINUSE:
        what = f"{place} is held by {_holder(port) or 'something else'}"
        return problem(about, what, f"end that, or name another `{about}`")
    if error.errno in (errno.EACCES, errno.EPERM):
        return problem(about, f"{place} is not for this user", "take a port from 1024 on")
    return problem(about, f"{place} can't be listened on: {error.strerror or error}", "name an address of this machine")


def is_held(lock: Path) -> bool:
    """Whether a supervisor holds this lock."""
    try:
        file = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _try(host: str, port: int) -> OSError | None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as trial:
            # As a listener does, or a port that was held a moment ago would count as held.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OSError as error:
        return error
    return None


def _holder(port: int) -> str | None:
    """The process that listens there, if this user may know."""
    try:
        held = (it for it in psutil.net_connections("tcp") if it.status == psutil.CONN_LISTEN)
        pid = next((it.pid for it in held if it.pid and it.laddr and it.laddr.port == port), None)
        return f"{psutil.Process(pid).name()} (process {pid})" if pid else None
    except psutil.Error:
        return None
