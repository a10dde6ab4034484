import fcntl
import os
import socket
from pathlib import Path

from earthward.probe.ports import is_held, look


def test_a_port_is_free_until_something_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        held = look("listen", "127.0.0.1", port, is_running=False)
        assert held.state == "problem"
        assert f"(process {os.getpid()})" in held.what
        assert look("listen", "127.0.0.1", port, is_running=True).state == "ok"
    assert look("listen", "127.0.0.1", port, is_running=False).state == "ok"


def test_an_address_that_is_not_this_machines_can_not_be_listened_on() -> None:
    for host in ("203.0.113.7", "no-such-host.invalid"):
        found = look("listen", host, 4000, is_running=False)
        assert (found.state, found.do) == ("problem", "name an address of this machine")


def test_any_free_port_is_found_when_it_is_needed() -> None:
    assert look("listen", "127.0.0.1", 0, is_running=False).state == "ok"


def test_a_lock_is_held_as_long_as_its_holder_has_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert not is_held(lock)
    with lock.open("w") as file:
        assert not is_held(lock)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_held(lock)
    assert not is_held(lock)
