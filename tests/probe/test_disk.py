from pathlib import Path

import pytest

from earthward.probe.disk import look


def states(path: Path, *, is_folder: bool) -> list[str]:
    return [finding.state for finding in look("it", path, is_folder=is_folder)]


@pytest.fixture
def private(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def test_what_is_not_there_yet_can_be_made_and_is_not_made_by_looking(private: Path) -> None:
    assert look("it", private / "a" / "state", is_folder=True)[0].what.startswith(f"{private}/a/state: writable, ")
    assert list(private.iterdir()) == []


def test_a_folder_or_a_file_of_our_own_is_well(private: Path) -> None:
    (private / "x.db").touch(0o600)
    assert "problem" not in states(private, is_folder=True)
    assert "problem" not in states(private / "x.db", is_folder=False)


def test_what_others_can_read_is_a_problem(private: Path) -> None:
    (private / "x.db").touch()
    (private / "x.db").chmod(0o644)
    found = look("it", private / "x.db", is_folder=False)[-1]
    assert (found.state, found.do) == ("problem", f"chmod go= {private / 'x.db'}")


def test_a_folder_where_a_file_is_to_be_is_a_problem(private: Path) -> None:
    (private / "file").touch(0o600)
    assert states(private, is_folder=False) == ["problem"]
    assert states(private / "file", is_folder=True) == ["problem"]
    assert states(private / "file" / "inside", is_folder=True) == ["problem"]


def test_a_disk_that_takes_nothing_is_a_problem() -> None:
    assert states(Path("/proc/state"), is_folder=True) == ["problem"]
