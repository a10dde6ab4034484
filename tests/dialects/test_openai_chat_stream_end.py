"""How a stream ends."""

import pytest

from earthward.dialects.openai_chat.stream_end import is_done, is_whole


@pytest.mark.parametrize("payload", [b"[DONE]", b" [DONE] ", b"[DONE]\n"])
def test_done_is_done_with_or_without_space(payload: bytes) -> None:
    assert is_done(payload)
    assert is_whole(payload)


@pytest.mark.parametrize("payload", [b"[DON", b'{"choices":[', b"", b'{"a":"\xff"}'])
def test_a_piece_of_an_event_is_not_whole(payload: bytes) -> None:
    assert not is_done(payload)
    assert not is_whole(payload)


def test_an_event_that_lacks_only_its_blank_line_is_whole() -> None:
    assert is_whole(b'{"choices":[]}')
    assert not is_whole(None)
