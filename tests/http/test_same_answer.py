"""A head that is compared leads to what reading it leads to, and to nothing else."""

import pytest

from earthward.http.same_answer import SameAnswer

HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"5"), (b"server", b"x")]
BEFORE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
AFTER = b"\r\nServer: x\r\n\r\n"
HEAD = BEFORE + b"5" + AFTER


def known(head: bytes = HEAD) -> SameAnswer:
    same = SameAnswer()
    same.learn(head, 200, HEADERS)
    return same


def test_the_same_head_brings_its_body_and_its_own_length() -> None:
    same = known()
    assert same.body_of(BEFORE + b"12" + AFTER + b"x" * 12) == b"x" * 12
    assert same.status == 200
    assert same.headers == [(b"content-type", b"application/json"), (b"content-length", b"12"), (b"server", b"x")]
    assert HEADERS[1] == (b"content-length", b"5")


def test_what_was_worked_out_from_a_head_is_kept_as_long_as_the_head_comes_again() -> None:
    same = known()
    same.kept.value = "worked out"
    assert same.body_of(BEFORE + b"12" + AFTER + b"x" * 12) is not None
    assert same.kept.value == "worked out"
    same.learn(HEAD.replace(b"Server: x", b"Server: y"), 200, HEADERS)
    assert same.kept.value is None


@pytest.mark.parametrize(
    "data",
    [
        HEAD,
        HEAD + b"1234",
        HEAD + b"123456",
        HEAD[:20],
        b"",
        HEAD.replace(b"200", b"500") + b"12345",
        HEAD.replace(b": x", b": y") + b"12345",
        BEFORE + b"05" + AFTER + b"12345",
        BEFORE + b"+5" + AFTER + b"12345",
        BEFORE + b" 5" + AFTER + b"12345",
        BEFORE + b"5 " + AFTER + b"12345",
        BEFORE + b"5, 5" + AFTER + b"12345",
        BEFORE + "٥".encode() + AFTER + b"12345",
        BEFORE + AFTER,
        BEFORE + b"0" + AFTER,
        BEFORE + b"5" * 30 + AFTER + b"12345",
    ],
)
def test_whatever_else_comes_is_left_to_the_reader(data: bytes) -> None:
    assert known().body_of(data) is None


def test_nothing_is_known_at_first_nor_after_a_head_without_a_plain_length() -> None:
    assert SameAnswer().body_of(HEAD + b"12345") is None
    assert known(BEFORE + b"05" + AFTER).body_of(BEFORE + b"5" + AFTER + b"12345") is None


def test_a_server_that_never_repeats_itself_is_not_listened_to_for_ever() -> None:
    same = SameAnswer()
    for number in range(8):
        same.learn(HEAD.replace(b"Server: x", b"Server: %d" % number), 200, HEADERS)
    same.learn(HEAD, 200, HEADERS)
    assert same.body_of(HEAD + b"12345") is None


def test_one_that_repeats_itself_now_and_then_is() -> None:
    same = known()
    for number in range(20):
        assert same.body_of(BEFORE + b"5" + AFTER + b"12345") == b"12345"
        same.learn(HEAD.replace(b"Server: x", b"Server: %d" % number), 200, HEADERS)
        same.learn(HEAD, 200, HEADERS)
