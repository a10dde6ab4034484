import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from earthward.store.content import ContentKey, ContentKeys, Unreadable, key_id_of, sweep
from earthward.store.tables import responses

SECRET, OLDER = "0123456789abcdef" * 4, "fedcba9876543210" * 4


def row(id: str, expires_at: int, sealed: bytes = b"-") -> dict[str, object]:
    named = {"id": id, "owner": "", "root": id, "previous": "", "created_at": 0}
    return {**named, "sealed": sealed, "expires_at": expires_at}


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_sealed_opens_to_what_it_was(plain, about):
    keys = ContentKeys([SECRET])
    assert keys.open(keys.seal(plain, about), about) == plain


def test_sealed_bytes_hold_no_word_of_what_they_hide_and_never_look_the_same_twice():
    keys = ContentKeys([SECRET])
    first, second = keys.seal(b"my PIN is 4711", b"x"), keys.seal(b"my PIN is 4711", b"x")
    assert b"4711" not in first
    assert first != second


def test_sealed_bytes_of_one_row_do_not_open_in_another():
    keys = ContentKeys([SECRET])
    with pytest.raises(Unreadable, match="another row"):
        keys.open(keys.seal(b"words", b"row 1"), b"row 2")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_sealed_bytes_of_which_one_bit_was_changed_do_not_open(place, flip):
    keys = ContentKeys([SECRET])
    sealed = bytearray(keys.seal(b"words", b""))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(Unreadable):
        keys.open(bytes(sealed), b"")


@given(st.binary(max_size=60))
def test_what_was_never_sealed_is_unreadable(data):
    with pytest.raises(Unreadable):
        ContentKeys([SECRET]).open(data, b"")


def test_an_older_key_still_opens_and_seals_no_more():
    before, after = ContentKeys([OLDER]), ContentKeys([SECRET, OLDER])
    sealed = before.seal(b"words", b"")
    assert after.open(sealed, b"") == b"words"
    assert key_id_of(after.seal(b"words", b"")) == ContentKey(SECRET).id


def test_a_key_that_is_not_here_is_named():
    sealed = ContentKeys([OLDER]).seal(b"words", b"")
    with pytest.raises(Unreadable, match=ContentKey(OLDER).id.hex()):
        ContentKeys([SECRET]).open(sealed, b"")


def test_rows_are_gone_when_their_time_is_over_and_not_before(engine):
    with engine.begin() as connection:
        connection.execute(insert(responses), [row(f"r{number}", number) for number in range(1200)])
    assert sweep(engine, responses, 1000) == 1001
    with engine.connect() as connection:
        assert connection.scalar(select(func.min(responses.c.expires_at))) == 1001
    assert sweep(engine, responses, 1000) == 0


def test_nothing_of_a_row_is_left_in_the_file_after_it_was_swept(engine, tmp_path):
    marker = b"sealed-bytes-of-a-test" * 50
    with engine.begin() as connection:
        connection.execute(insert(responses), [row("r", 1, marker)])
    sweep(engine, responses, 1)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert marker not in b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))


def test_what_was_swept_lies_in_no_file_of_the_store_any_more(engine, tmp_path):
    """Neither in what the database has free, nor in its log: who has the key would read it there."""
    sealed = [bytes([65 + number]) * 3 + b"canary" * 2000 for number in range(40)]
    with engine.begin() as connection:
        connection.execute(insert(responses), [row(f"r{number}", number, it) for number, it in enumerate(sealed)])
    # What is left of the log goes into the database then.
    engine.dispose()
    assert any(b"canarycanary" in path.read_bytes() for path in tmp_path.iterdir())
    assert sweep(engine, responses, 100) == 40
    for path in tmp_path.iterdir():
        assert b"canarycanary" not in path.read_bytes(), path
