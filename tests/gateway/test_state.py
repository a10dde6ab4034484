from earthward.gateway.state import State, write_whole


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path):
    state = State(tmp_path / "state")
    state.make()
    first = state.secret("pepper")
    assert len(first) == 64
    assert state.secret("pepper") == first
    assert state.secret("salt") != first
    assert (state.folder / "pepper").stat().st_mode & 0o777 == 0o600
    assert state.folder.stat().st_mode & 0o077 == 0


def test_a_file_is_replaced_whole_and_leaves_nothing_behind(tmp_path):
    write_whole(tmp_path / "file", b"one")
    write_whole(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
