import pytest

from earthward.config.snapshot import Snapshot
from earthward.gateway import switch

PLAIN = Snapshot("abc", "d", (), (), ())


@pytest.mark.parametrize("zone", ["cloud", "local"])
def test_what_is_switched_is_read_back_and_holds_until_it_is_switched_off(tmp_path, zone) -> None:
    path = tmp_path / "switch"
    assert switch.read(path) is None
    switch.write(path, zone)
    assert switch.read(path) == zone
    switch.write(path, None)
    switch.write(path, None)
    assert switch.read(path) is None


@pytest.mark.parametrize("content", [b"", b"clou", b"\xff", b"off", b"cloud local"])
def test_a_file_that_says_no_zone_switches_nothing(tmp_path, content) -> None:
    path = tmp_path / "switch"
    path.write_bytes(content)
    assert switch.read(path) is None


def test_a_switched_snapshot_has_a_version_of_its_own_and_the_old_one_again_when_switched_back() -> None:
    one = switch.switched(PLAIN, "cloud")
    assert (one.switch, one.version) == ("cloud", "abc+cloud")
    other = switch.switched(one, "local")
    assert (other.switch, other.version) == ("local", "abc+local")
    assert switch.switched(other, None) == PLAIN
