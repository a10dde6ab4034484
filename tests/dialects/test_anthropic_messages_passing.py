"""What is taken out of a request that passes through to Anthropic, and that it is named."""

import json
from typing import Any

import pytest

from earthward.dialects import envelope
from earthward.dialects.anthropic_messages import left_out, prepare
from earthward.dialects.envelope import Envelope


def request(**fields: Any) -> Envelope:
    found = envelope.read(json.dumps({"model": "asked-for", "max_tokens": 9, "messages": [], **fields}).encode())
    assert isinstance(found, Envelope)
    return found


SIGNED = {"type": "thinking", "thinking": "Hm", "signature": "EqQB"}
UNSIGNED = {"type": "thinking", "thinking": "Hm", "signature": ""}
TEXT = {"type": "text", "text": '"signature":""'}


def sent(*messages: Any, extensions: bool = False) -> Any:
    return json.loads(prepare(request(messages=messages), "up", stream=False, extensions=extensions))["messages"]


def test_a_request_changes_its_model_only() -> None:
    asked = request(temperature=0.1, x=[1, {"y": None}], stream=True)
    assert json.loads(prepare(asked, "up", stream=True)) == {
        "model": "up",
        "max_tokens": 9,
        "messages": [],
        "temperature": 0.1,
        "x": [1, {"y": None}],
        "stream": True,
    }


def test_the_bytes_of_untouched_fields_are_not_changed() -> None:
    body = b'{ "messages" : [ {"content":"\\u00fc 1.0e2" } ], "model":"asked-for","top_p": 0.50 }'
    read = envelope.read(body)
    assert isinstance(read, Envelope)
    assert (
        prepare(read, "up", stream=False) == b'{"messages":[ {"content":"\\u00fc 1.0e2" } ],"model":"up","top_p":0.50}'
    )


def test_thinking_that_nobody_signed_is_left_out_and_all_else_stays() -> None:
    user = {"role": "user", "content": "Hi"}
    said = {"role": "assistant", "content": [UNSIGNED, SIGNED, TEXT], "x": 1}
    thought = {"role": "assistant", "content": [UNSIGNED]}
    assert sent(user, said, thought, user) == [user, {**said, "content": [SIGNED, TEXT]}, user]


def test_a_server_that_checks_no_signatures_gets_all_thinking() -> None:
    said = {"role": "assistant", "content": [UNSIGNED, TEXT]}
    assert sent(said, extensions=True) == [said]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": '"signature":""'},
        {"role": "user", "content": [TEXT]},
        {"role": "user", "content": '[{"signature":""}]'},
        {"role": "user", "content": {"signature": ""}},
        {"role": "assistant", "content": [{"type": "tool_use", "input": {"signature": ""}}]},
        {"signature": ""},
        ["signature", {"signature": ""}],
    ],
)
def test_a_signature_that_is_empty_elsewhere_stays(message: Any) -> None:
    assert sent(message) == [message]


@pytest.mark.parametrize("signature", ["google:QUJD", "openai:gAAAA"])
def test_what_another_vendor_signed_is_not_sent_to_anthropic(signature: str) -> None:
    blocks = [{"type": "thinking", "thinking": "Hm", "signature": signature}, {"type": "text", "text": "Yo"}]
    sealed = envelope.read(json.dumps({"messages": [{"role": "assistant", "content": blocks}]}).encode())
    assert isinstance(sealed, Envelope)
    assert json.loads(prepare(sealed, "m", False))["messages"][0]["content"] == blocks[1:]
    assert json.loads(prepare(sealed, "m", False, extensions=True))["messages"][0]["content"] == blocks


def named(*messages: Any, extensions: bool = False) -> tuple[str, ...]:
    return left_out(request(messages=messages), extensions)


@pytest.mark.parametrize("signature", ["", None, "google:QUJD", "openai:gAAAA"])
def test_thinking_that_is_left_out_is_named(signature: str | None) -> None:
    mine = {"role": "assistant", "content": [{**SIGNED, "signature": signature}, UNSIGNED, TEXT]}
    assert named({"role": "user", "content": "Hi"}, mine) == ("messages.content.thinking",)
    assert named(mine, extensions=True) == ()


def test_nothing_is_named_where_all_stays() -> None:
    said = {"role": "assistant", "content": [SIGNED, TEXT, cited(SEALED)]}
    assert named(said, {"role": "user", "content": '"encrypted_index":""'}) == ()
    assert named({"signature": ""}, ["encrypted_index", {"encrypted_index": ""}]) == ()
    assert left_out(request(messages='"signature":""')) == ()


SEALED = {
    "type": "web_search_result_location",
    "url": "https://a",
    "title": "A",
    "cited_text": "a",
    "encrypted_index": "E",
}
FOUND_ELSEWHERE = {**SEALED, "encrypted_index": ""}
DOCUMENT = {"type": "char_location", "cited_text": "a", "document_index": 0, "start_char_index": 0, "end_char_index": 1}


def cited(*citations: Any) -> Any:
    return {"type": "text", "text": "Rain.", "citations": list(citations)}


def test_a_page_that_nobody_sealed_is_no_citation_to_anthropic_and_named() -> None:
    """The text stays, and so does what Anthropic cited itself."""
    blocks = [cited(FOUND_ELSEWHERE), cited(SEALED, FOUND_ELSEWHERE, DOCUMENT)]
    said = {"role": "assistant", "content": blocks, "x": 1}
    kept = [{"type": "text", "text": "Rain."}, cited(SEALED, DOCUMENT)]
    assert sent(said) == [{**said, "content": kept}]
    assert named(said) == ("messages.content.citations",)
    assert named(said, {"role": "assistant", "content": [UNSIGNED, TEXT]}) == (
        "messages.content.thinking",
        "messages.content.citations",
    )
    assert sent(said, extensions=True) == [said]
    assert named(said, extensions=True) == ()


def test_an_index_that_is_empty_elsewhere_stays() -> None:
    for block in (
        {"type": "web_search_tool_result", "content": [{"encrypted_index": ""}]},
        {"type": "text", "text": "a", "citations": {"encrypted_index": ""}},
        {"type": "text", "text": "a", "citations": ["encrypted_index", {**DOCUMENT, "encrypted_index": ""}]},
    ):
        assert sent({"role": "assistant", "content": [block]}) == [{"role": "assistant", "content": [block]}]
        assert named({"role": "assistant", "content": [block]}) == ()
