import pytest
from sqlalchemy import select

from earthward.store import responses
from earthward.store.content import ContentKeys
from earthward.store.responses import Found, Kept
from earthward.store.tables import responses as table

KEYS = ContentKeys(["a secret of a test, and long enough"])


def turn(id: str, previous: str = "", *, root: str = "a", owner: str = "me", until: int = 100) -> Kept:
    return Kept(id, owner, root, previous, 1, until, f"words of {id}".encode())


@pytest.fixture
def three(engine):
    for it in (turn("a"), turn("b", "a"), turn("c", "b"), turn("d", "b")):
        responses.keep(engine, KEYS, it)
    return engine


def test_a_conversation_is_all_turns_up_to_the_one_that_is_asked_for(three):
    found = responses.conversation(three, KEYS, "c", "me", 5)
    assert found == Found("ok", "a", (b"words of a", b"words of b", b"words of c"))
    assert responses.conversation(three, KEYS, "d", "me", 5).contents[-1] == b"words of d"
    assert responses.response(three, KEYS, "c", "me", 5).contents == (b"words of c",)


@pytest.mark.parametrize(("id", "owner", "now"), [("x", "me", 5), ("c", "you", 5), ("c", "", 5), ("c", "me", 100)])
def test_what_is_not_there_somebody_elses_or_over_is_missing(three, id, owner, now):
    assert responses.conversation(three, KEYS, id, owner, now) == Found("missing")
    assert responses.response(three, KEYS, id, owner, now) == Found("missing")
    assert owner == "me" or not responses.forget(three, id, owner)


def test_a_turn_that_was_deleted_breaks_what_comes_after_it_alone(three):
    assert responses.forget(three, "b", "me")
    assert not responses.forget(three, "b", "me")
    assert responses.conversation(three, KEYS, "c", "me", 5).state == "broken"
    assert responses.conversation(three, KEYS, "a", "me", 5).state == "ok"


def test_a_later_turn_keeps_all_of_its_conversation_and_no_other(three):
    responses.keep(three, KEYS, turn("z", root="z"))
    responses.keep(three, KEYS, turn("e", "d", until=900))
    responses.keep(three, KEYS, turn("f", "e", until=300))
    with three.connect() as connection:
        until = dict(connection.execute(select(table.c.id, table.c.expires_at)).all())
    assert until == {**dict.fromkeys("abcde", 900), "f": 300, "z": 100}
    assert responses.forget_expired(three, 300) == 2


def test_rows_that_were_moved_to_another_owner_or_id_can_not_be_read(three):
    with three.begin() as connection:
        connection.execute(table.update().where(table.c.id == "a").values(owner="you"))
    assert responses.response(three, KEYS, "a", "you", 5) == Found("unreadable", "a")


def test_without_its_key_a_response_is_unreadable_not_missing(three):
    other = ContentKeys(["another secret, which is long enough"])
    assert responses.response(three, other, "a", "me", 5).state == "unreadable"
