"""The top level of a request, read and written again."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import Failure, FailureKind
from earthward.dialects.envelope import Envelope, merged, read, says_twice
from earthward.dialects.json_limits import JsonLimits


def envelope(body: bytes) -> Envelope:
    found = read(body)
    assert isinstance(found, Envelope), found
    return found


def refusal(body: bytes, limits: JsonLimits | None = None) -> str:
    found = read(body, limits) if limits else read(body)
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.BAD_REQUEST
    return found.message


def test_fields_are_found_by_name_and_kind() -> None:
    found = envelope(b'{"model":"m","stream":true,"n":2,"user":null}')
    assert found.get_str("model") == "m"
    assert found.get_bool("stream") is True
    assert found.get("n") == 2
    assert found.get_str("n") is None
    assert found.get_bool("n") is None
    assert found.get_str("absent") is None
    assert found.has("n")
    assert not found.has("user")
    assert not found.has("absent")


def test_of_a_key_given_twice_only_the_last_is_left() -> None:
    found = envelope(b'{"model":"a","x":1,"model":"b"}')
    assert found.get_str("model") == "b"
    assert found.encode() == b'{"model":"b","x":1}'


def test_a_key_spelt_with_escapes_is_the_same_key() -> None:
    assert envelope(b'{"model":"a","m\\u006fdel":"b"}').encode() == b'{"model":"b"}'


@pytest.mark.parametrize("key", ["content", "c\\u006fntent"])
def test_a_key_given_twice_deeper_inside_stays_and_can_be_told(key: str) -> None:
    found = envelope(b'{"messages":[{"role":"user","content":"a","%b":"b"}]}' % key.encode())
    assert found.encode().count(b"ntent") == 2
    assert says_twice(found.fields["messages"])


@pytest.mark.parametrize("value", [b"1", b'"a"', b"[]", b'{"a":{"a":1},"b":[{"a":1},{"a":1}]}'])
def test_a_key_of_another_object_is_another(value: bytes) -> None:
    assert not says_twice(msgspec.Raw(value))


def test_what_cannot_be_looked_through_may_say_anything() -> None:
    assert says_twice(msgspec.Raw(b"1" * 5000))
    assert says_twice(msgspec.Raw(b"[" * 100_000))


def test_what_python_cannot_hold_passes_raw() -> None:
    found = envelope(b'{"seed":1e999}')
    assert found.encode() == b'{"seed":1e999}'
    assert found.get("seed") is None


def test_a_value_keeps_its_bytes() -> None:
    value = b'[ 1.50 , "\\u00fc" , 12345678901234567890123 ]'
    assert envelope(b'{"a" : ' + value + b" }").encode() == b'{"a":' + value + b"}"


def test_fields_are_set_and_taken_out_in_a_copy() -> None:
    found = envelope(b'{"model":"a","x":1}')
    changed = found.with_fields(model="b", extra={"y": None}, raw=msgspec.Raw(b"[1]"))
    assert json.loads(changed.encode()) == {"model": "b", "x": 1, "extra": {"y": None}, "raw": [1]}
    assert found.without("x", "absent").encode() == b'{"model":"a"}'
    assert found.encode() == b'{"model":"a","x":1}'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(None, {"b": 2}), (b"null", {"b": 2}), (b'{"a":1,"b":1}', {"a": 1, "b": 2}), (b"[]", None), (b'"x"', None)],
)
def test_members_are_merged_into_an_object_and_into_nothing_else(raw: bytes | None, expected: Any) -> None:
    found = merged(msgspec.Raw(raw) if raw is not None else None, {"b": 2})
    assert (None if found is None else msgspec.json.decode(found)) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a":1,}', "not valid JSON"),
        (b'{"a":NaN}', "not valid JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not valid JSON"),
        (b'{"a":"\\ud800"}', "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b'{"a":"\xff"}', "not valid UTF-8"),
        (b'{"\xff":1}', "not valid UTF-8"),
        (b'{"a":' + b"[" * 65 + b"]" * 65 + b"}", "nested more than 64 deep"),
        (b"[" * 100_000, "deep"),
        (b"[" * 1_000_000, "arrays and objects"),
        (b'{"a":' * 1_000_000, "more than"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(body: bytes, words: str) -> None:
    assert words in refusal(body)


def test_limits_are_the_caller_s() -> None:
    assert "1 deep" in refusal(b'{"a":[]}', JsonLimits(depth=1))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(fields=st.dictionaries(st.text(), json_values, max_size=5), indent=st.sampled_from([None, 2]))
def test_what_is_written_again_means_the_same(fields: dict[str, Any], indent: int | None) -> None:
    found = envelope(json.dumps(fields, indent=indent).encode())
    assert json.loads(found.encode()) == fields
    for name, value in fields.items():
        assert found.get(name) == value
        assert not says_twice(found.fields[name])
