import json
from pathlib import Path

from earthward.gateway.observing import MOST_APPS, OTHERS, Observed, Seen, read_counts

ASKED = json.dumps({"model": "m", "messages": [{"role": "developer", "content": "zebra"}], "temperature": 0}).encode()
PATH = "/v1/chat/completions"


def test_counts_outlive_a_worker_and_hold_no_word_of_a_request(tmp_path: Path) -> None:
    file = tmp_path / "observed" / "0.json"
    for _ in range(2):
        observed = Observed(file)
        observed.take("shop", PATH, ASKED)
        observed.save()
    assert read_counts(file) == {"shop": Seen(2, {"31 role `developer`": 2})}
    assert b"zebra" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_who_has_no_key_is_counted_as_all_and_what_is_no_request_not_at_all(tmp_path: Path) -> None:
    observed = Observed(tmp_path / "0.json")
    observed.take("", PATH, ASKED)
    for body in (b"", b"[]", b"{", b"\xff"):
        observed.take("", PATH, body)
    observed.save()
    assert read_counts(tmp_path / "0.json")["all"].requests == 1


def test_applications_beyond_a_bound_are_counted_together(tmp_path: Path) -> None:
    observed = Observed(tmp_path / "0.json")
    for number in range(MOST_APPS + 9):
        observed.take(f"app-{number}", PATH, ASKED)
    observed.save()
    found = read_counts(tmp_path / "0.json")
    assert (len(found), found[OTHERS].requests) == (MOST_APPS + 1, 9)


def test_a_file_that_is_none_of_ours_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text("[1]")
    assert read_counts(tmp_path / "0.json") == {}
    assert read_counts(tmp_path / "1.json") == {}
