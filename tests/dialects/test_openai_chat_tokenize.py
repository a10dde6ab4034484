import pytest

from earthward.chat import Failure, FailureKind
from earthward.dialects.openai_chat.tokenize import read_count


def test_a_vllms_count_is_read_whatever_stands_beside_it() -> None:
    assert read_count(b'{"count": 7, "max_model_len": 512, "tokens": [1, 2], "token_strs": null}') == 7


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"count": "7"}', b'{"count": 1e400}', b"\xff", b"[" * 5000])
def test_what_is_no_count_is_a_failure(body) -> None:
    failure = read_count(body)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.MALFORMED


def test_a_count_below_zero_is_none() -> None:
    assert read_count(b'{"count": -3}') == 0
