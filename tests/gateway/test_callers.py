"""Who calls, and whose keys were accepted by their vendors."""

import pytest

from earthward.config.snapshot import Key
from earthward.gateway.callers import NO_KEY, PLACES, Acceptance, Caller, presented_key
from earthward.gateway.doors import DOORS

ANN = Caller(Key("openai-1", b"1"), b"sk-ann", "openai_chat")
BOB = Caller(Key("openai-2", b"2"), b"sk-bob", "openai_chat")
SAME_AT_ANOTHER = Caller(Key("anthropic-1", b"1"), b"sk-ann", "anthropic_messages")


def test_a_key_is_taken_from_the_headers_that_sdks_use() -> None:
    assert presented_key({b"authorization": b"Bearer abc"}) == b"abc"
    assert presented_key({b"authorization": b"bearer  abc "}) == b"abc"
    assert presented_key({b"api-key": b"abc"}) == b"abc"
    assert presented_key({b"x-api-key": b"abc"}) == b"abc"
    assert presented_key({b"x-goog-api-key": b"abc"}) == b"abc"
    assert presented_key({b"authorization": b"Basic abc", b"x-api-key": b"abc"}) is None
    assert presented_key({b"authorization": b"Bearer "}) is None
    assert presented_key({b"x-api-key": b""}) is None
    assert presented_key({}) is None


@pytest.mark.parametrize("nothing", [b"", b" ", b"Bearer", b"bearer "])
def test_a_header_that_shows_no_key_hides_none(nothing):
    """The SDKs of Google's send an empty one where no token is set."""
    assert presented_key({b"authorization": nothing, b"x-goog-api-key": b"abc"}) == b"abc"
    assert presented_key({b"authorization": nothing}) is None


def test_every_vendor_s_callers_are_told_where_a_key_may_stand():
    assert {door.vendor for door in DOORS.values() if door.vendor} <= PLACES.keys()
    assert all(name in PLACES["gemini"] for name in ("x-goog-api-key", "?key=", "Authorization"))
    assert "x-api-key" in PLACES["anthropic"]
    assert "api-key" in PLACES["azure"]


def test_a_key_is_accepted_for_a_time_once_its_vendor_took_it() -> None:
    acceptance = Acceptance()
    assert not acceptance.holds(ANN, now=0.0)
    acceptance.learn(ANN, 200, until=100.0)
    assert acceptance.holds(ANN, now=99.9)
    assert not acceptance.holds(ANN, now=100.0)


def test_what_one_vendor_took_says_nothing_of_another_nor_of_another_s_key() -> None:
    acceptance = Acceptance()
    acceptance.learn(ANN, 200, until=100.0)
    assert not acceptance.holds(BOB, now=1.0)
    assert not acceptance.holds(SAME_AT_ANOTHER, now=1.0)


def test_a_refusal_ends_it_at_once_and_trouble_changes_nothing() -> None:
    acceptance = Acceptance()
    acceptance.learn(ANN, 200, until=100.0)
    for status in (429, 500, 503, 0):
        acceptance.learn(ANN, status, until=500.0)
        acceptance.learn(BOB, status, until=500.0)
    assert acceptance.holds(ANN, now=99.0)
    assert not acceptance.holds(ANN, now=101.0), "trouble is no acceptance"
    assert not acceptance.holds(BOB, now=1.0)
    acceptance.learn(ANN, 401, until=500.0)
    assert not acceptance.holds(ANN, now=1.0)


def test_a_caller_prints_no_key_of_its_own() -> None:
    assert Caller(NO_KEY).presented == b""
    assert "sk-ann" not in repr(ANN)
