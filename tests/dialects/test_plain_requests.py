"""Requests without a field that is not known are read in one go: to the same as in full."""

from typing import Any

import msgspec
import pytest

from earthward.chat import ChatRequest, Failure
from earthward.dialects.anthropic_messages import read_request as anthropics
from earthward.dialects.openai_chat import read_request as openais
from gateway.test_straight_translated import ANTHROPIC, ASKED, OPENAI, RAW, asked

READERS: dict[str, Any] = {OPENAI: openais, ANTHROPIC: anthropics}


def in_full(dialect: str, body: bytes) -> ChatRequest | Failure:
    module = __import__(f"earthward.dialects.{dialect}.read_request", fromlist=["_in_full"])
    found: ChatRequest | Failure = module._in_full(body)
    return found


@pytest.mark.parametrize(("dialect", "how"), [(dialect, how) for dialect in READERS for how in ASKED[dialect]])
def test_a_plain_request_reads_as_it_does_in_full(dialect: str, how: str) -> None:
    body = asked(dialect, **ASKED[dialect][how]).partition(b"\r\n\r\n")[2]
    assert READERS[dialect](body) == in_full(dialect, body)


@pytest.mark.parametrize("dialect", READERS)
@pytest.mark.parametrize("number", range(len(RAW)))
def test_what_is_hardly_json_reads_as_it_does_in_full(dialect: str, number: int) -> None:
    assert READERS[dialect](RAW[number]) == in_full(dialect, RAW[number])


@pytest.mark.parametrize("dialect", READERS)
def test_what_one_field_is_wrong_in_is_refused_by_its_name(dialect: str) -> None:
    body = msgspec.json.encode({"model": "m", "messages": [], "max_tokens": "many"})
    found = READERS[dialect](body)
    assert isinstance(found, Failure)
    assert found.param == "max_tokens"


@pytest.mark.parametrize("dialect", READERS)
def test_limits_are_left_to_whoever_looked_at_them_before(dialect: str) -> None:
    deep = b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"odd":%b}' % (
        b"[" * 70 + b"]" * 70
    )
    assert isinstance(READERS[dialect](deep), Failure)
    assert isinstance(READERS[dialect](deep, limits=None), ChatRequest)
