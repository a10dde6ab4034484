import socket
from pathlib import Path

from earthward.engine.ports import FIRST, free_port


def test_a_port_is_none_that_the_system_would_give_to_somebody_else(tmp_path: Path) -> None:
    own_range = tmp_path / "range"
    own_range.write_text(f"{FIRST + 2}\t60999\n")
    assert {free_port(own_range) for _ in range(30)} == {FIRST, FIRST + 1}


def test_a_port_on_which_somebody_listens_is_not_given(tmp_path: Path) -> None:
    own_range = tmp_path / "range"
    own_range.write_text(f"{FIRST + 7}\t60999\n")
    port = free_port(own_range)
    with socket.create_server(("127.0.0.1", port)):
        assert port not in {free_port(own_range) for _ in range(60)}
    assert free_port(own_range) >= FIRST


def test_where_the_systems_range_leaves_no_room_any_free_port_will_do(tmp_path: Path) -> None:
    own_range = tmp_path / "range"
    for text in ("1024\t65535\n", f"{FIRST}\t65535\n"):
        own_range.write_text(text)
        assert free_port(own_range) > 1023
    for text in ("", "many"):
        own_range.write_text(text)
        assert free_port(own_range) >= FIRST
    assert free_port(tmp_path / "nowhere") >= FIRST
