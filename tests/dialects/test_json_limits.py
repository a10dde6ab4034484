"""What bounds a document before it is parsed, and what msgspec's own strictness refuses."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.dialects.json_limits import JsonLimits, excess, is_utf8

LONG = '[{"]}\\"[' * 200


def depth(value: Any) -> int:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0)
    return 0


def nested(levels: int, core: Any = 1) -> Any:
    for level in range(levels):
        core = [core] if level % 2 else {"a": core}
    return core


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5, 63, 64])
def test_nesting_up_to_the_limit_is_allowed(levels: int) -> None:
    assert excess(json.dumps(nested(levels)).encode()) is None


@pytest.mark.parametrize("levels", [65, 66, 200, 100_000])
def test_nesting_beyond_the_limit_is_refused_in_words_that_name_it(levels: int) -> None:
    found = excess(b"[" * levels + b"]" * levels)
    assert found is not None
    assert "64" in found


@pytest.mark.parametrize(
    "text",
    ["[" * 500, "{" * 500, '"' * 99 + "[" * 500, "\\" * 99 + "[" * 500, '\\"[' * 500, '\\\\"{' * 500, LONG, "]" * 500],
)
def test_brackets_inside_strings_do_not_count(text: str) -> None:
    for value in (text, [text], {text: text}, [{"a": [{"b": [text, {"c": text}]}]}], [[text], "[", [text], "]"]):
        assert excess(json.dumps(value).encode()) is None


@pytest.mark.parametrize("text", ["]" * 500, '"]' * 99, '\\"]' * 99, "\\", '"', LONG])
def test_brackets_inside_strings_do_not_hide_others(text: str) -> None:
    assert excess(json.dumps(nested(65, core=text)).encode()) is not None
    assert excess(json.dumps([text, nested(64), text]).encode()) is not None
    deep: Any = text
    for _ in range(65):
        deep = [text, deep, text]
    assert excess(json.dumps(deep).encode()) is not None


json_values = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\,:ab\n', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\', max_size=3), inner, max_size=3),
    max_leaves=30,
)


@settings(max_examples=100, deadline=None)
@given(value=json_values, limit=st.integers(1, 6), indent=st.sampled_from([None, 1]))
def test_the_depth_found_is_the_depth_there_is(value: Any, limit: int, indent: int | None) -> None:
    body = json.dumps(value, indent=indent).encode()
    assert (excess(body, JsonLimits(depth=limit)) is None) == (depth(value) <= limit)


@settings(max_examples=100, deadline=None)
@given(value=json_values, limit=st.integers(1, 6))
def test_a_large_document_is_measured_as_a_small_one(value: Any, limit: int) -> None:
    # The longer the document beside the numbers allowed, the sooner it counts as large.
    body = json.dumps([value, "x" * 1000]).encode()
    as_small = excess(body, JsonLimits(depth=limit))
    as_large = excess(body, JsonLimits(depth=limit, containers=500, strings=500))
    assert as_small == as_large
    assert (as_large is None) == (depth([value]) <= limit)


def test_more_containers_than_allowed_are_refused() -> None:
    limits = JsonLimits(containers=10)
    assert excess(json.dumps([{}] * 9).encode(), limits) is None
    found = excess(json.dumps([{}] * 10).encode(), limits)
    assert found is not None
    assert "10 arrays and objects" in found


def test_more_strings_than_allowed_are_refused() -> None:
    limits = JsonLimits(strings=10)
    assert excess(json.dumps(['"\\'] * 10).encode(), limits) is None
    found = excess(json.dumps([""] * 11).encode(), limits)
    assert found is not None
    assert "10 strings" in found


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text('[]{}"\\', max_size=60).map(str.encode))
def test_no_bytes_whatever_make_it_raise(body: bytes) -> None:
    excess(body, JsonLimits(depth=2))
    excess(body, JsonLimits(depth=2, containers=1))


# Who refuses what. msgspec is as strict about values it keeps raw as about those it decodes, but for the encoding and
# for numbers out of range.

REFUSED_BY_MSGSPEC = {
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "lone surrogate before text": b'{"a":"\\ud800 x"}',
    "low surrogate first": b'{"a":"\\udc00\\ud800"}',
    "lone surrogate in a key": b'{"\\ud800":1}',
    "lone surrogate deep inside": b'{"a":[{"b":"\\ud800 x"}]}',
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "control character": b'{"a":"\x01"}',
    "raw line end in a string": b'{"a":"\n"}',
    "trailing comma": b'{"a":1,}',
    "trailing text": b'{"a":1}x',
    "comment": b'{"a":1/**/}',
    "leading zero": b'{"a":01}',
    "hexadecimal": b'{"a":0x1}',
    "single quotes": b"{'a':1}",
    "unknown escape": b'{"a":"\\x41"}',
    "half an escape": b'{"a":"\\u00"}',
    "broken deep inside": b'{"a":{"b":tru}}',
    "nothing": b"",
    "cut off": b'{"a":[1',
}


@pytest.mark.parametrize("name", REFUSED_BY_MSGSPEC)
def test_msgspec_refuses_it_even_where_it_keeps_values_raw(name: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(REFUSED_BY_MSGSPEC[name], type=dict[str, msgspec.Raw])


NOT_UTF8 = {
    "stray byte": b'{"a":"\xff"}',
    "overlong slash": b'{"a":"\xc0\xaf"}',
    "encoded surrogate": b'{"a":"\xed\xa0\x80"}',
    "cut off": b'{"a":"\xe2\x82"}',
    "deep inside": b'{"a":[{"b":"\xff"}]}',
    "beyond Unicode": b'{"a":"\xf5\x80\x80\x80"}',
}


@pytest.mark.parametrize("name", NOT_UTF8)
def test_bytes_that_msgspec_would_keep_raw_are_found_not_to_be_utf_8(name: str) -> None:
    msgspec.json.decode(NOT_UTF8[name], type=dict[str, msgspec.Raw])
    assert not is_utf8(NOT_UTF8[name])


@pytest.mark.parametrize("text", ["", "a", "ü€🌍", "€" * 400_000, "a" * ((1 << 20) - 1) + "🌍"])
def test_text_of_any_length_is_utf_8(text: str) -> None:
    assert is_utf8(text.encode())


def test_a_character_cut_off_at_the_end_is_not_utf_8() -> None:
    assert not is_utf8(("a" * (1 << 20) + "€").encode()[:-1])
