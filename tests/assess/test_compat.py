"""Which of the things that break on the way to Ollama an application would meet, whatever recorded its requests."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.assess.compat import Audit
from earthward.assess.recorded import Request, request_in, requests
from earthward.dialects.breaks import FEATURES, found_in
from earthward.dialects.gotchas import GOTCHAS

HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi."}], "temperature": 0}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
PATH = "/v1/chat/completions"


def numbers(path: str = PATH, **fields: object) -> set[int]:
    return {feature.number for feature in found_in(path, {**HELLO, **fields})}


def message(**fields: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": "Hi."}, fields]


def part(**fields: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": [fields]}]


@pytest.mark.parametrize(
    ("number", "fields"),
    [
        (1, {"messages": [{"role": "user", "content": "word " * 4000}]}),
        (2, {"options": {"num_ctx": 8192}}),
        (4, {"max_completion_tokens": 5}),
        (5, {"reasoning_effort": "low"}),
        (6, {"stop": ["x"]}),
        (19, {"tool_choice": "required"}),
        (19, {"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        (21, {"tools": [{**TOOL, "function": {"name": "f", "parameters": {"$ref": "#/x"}}}]}),
        (22, {"messages": message(role="assistant", tool_calls=[{}, {}])}),
        (23, {"tools": [TOOL], "stream": True}),
        (25, {"messages": message(role="assistant", tool_calls=[{"function": {"name": "f", "arguments": ""}}])}),
        (25, {"messages": message(role="assistant", content=None)}),
        (26, {"messages": message(role="tool", content=[{"type": "text", "text": "x"}])}),
        (28, {"tools": [TOOL]}),
        (30, {"tools": [TOOL], "response_format": {"type": "json_schema"}}),
        (31, {"messages": message(role="developer", content="x")}),
        (32, {"messages": part(type="image_url", image_url={"url": "https://x/y.png"})}),
        (32, {"messages": part(type="image", source={"type": "base64", "data": ""})}),
        (33, {"messages": part(type="document", source={})}),
        (34, {"previous_response_id": "resp_1"}),
        (36, {"messages": message(role="user", content="x")}),
        (37, {"temperature": None}),
        (38, {"seed": 1}),
        (39, {"response_format": {"type": "json_object"}}),
        (40, {"response_format": {"type": "json_schema"}}),
        (42, {"n": 2}),
        (42, {"n": 9}),
        (42, {"logprobs": True}),
        (42, {"generationConfig": {"candidateCount": 2}}),
        (38, {"generation_config": {"seed": 1}}),
        (6, {"generationConfig": {"stopSequences": ["x"]}}),
        (42, {"logit_bias": {"1": 2}}),
    ],
)
def test_what_breaks_is_found_in_a_request_and_not_in_a_plain_one(number: int, fields: dict[str, object]) -> None:
    if number == 37:
        assert 37 in {one.number for one in found_in(PATH, {"messages": HELLO["messages"]})}
        return
    assert number in numbers(**fields)
    assert not numbers()


GEMINI = "/v1beta/models/gemini:generateContent"
SETTINGS: list[tuple[int, dict[str, object]]] = [
    (5, {"thinkingConfig": {"thinkingBudget": 0}}),
    (39, {"responseMimeType": "application/json"}),
    (40, {"responseMimeType": "application/json", "responseSchema": {}}),
    (40, {"response_mime_type": "application/json", "response_json_schema": {}}),
    (42, {"responseLogprobs": True}),
]
PARTS: list[tuple[int, dict[str, object]]] = [
    (32, {"fileData": {"fileUri": "https://x/y.png", "mimeType": "image/png"}}),
    (32, {"inlineData": {"mimeType": "image/png", "data": ""}}),
    (33, {"inlineData": {"mimeType": "application/pdf", "data": ""}}),
    (33, {"file_data": {"file_uri": "https://x/y.pdf", "mime_type": "application/pdf"}}),
]


@pytest.mark.parametrize(
    ("number", "path", "body"),
    [
        (41, "/v1/responses", {"input": "x", "text": {"format": {"type": "json_object"}}}),
        (50, "/v1/messages", HELLO),
        (55, "/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}),
        (58, "/v1/embeddings", {"model": "text-embedding-3-small", "input": [[1, 2]]}),
        (63, "/v1beta/models/gemini:streamGenerateContent", {"contents": []}),
        (65, "/v1beta/models/gemini:generateContent", {"contents": [], "system_instruction": {}}),
        *((number, GEMINI, {"contents": [], "generationConfig": asked}) for number, asked in SETTINGS),
        *((number, GEMINI, {"contents": [{"role": "user", "parts": [asked]}]}) for number, asked in PARTS),
        (19, GEMINI, {"contents": [], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
        (19, GEMINI, {"contents": [], "tool_config": {"function_calling_config": {"mode": "NONE"}}}),
        (22, GEMINI, {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f"}}] * 2}]}),
        (23, "/v1beta/models/gemini:streamGenerateContent", {"contents": [], "tools": [{}]}),
        (36, GEMINI, {"contents": [{"role": "user", "parts": []}, {"role": "user", "parts": []}]}),
        (22, "/v1/messages", {"messages": [{"role": "assistant", "content": [{"type": "tool_use"}] * 2}]}),
        (26, "/v1/messages", {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": []}]}]}),
        (40, "/v1/messages", {"messages": [], "output_config": {"format": {"type": "json_schema"}}}),
        (22, "/v1/responses", {"input": [{"type": "function_call"}] * 2}),
        (39, "/api/chat", {"messages": [], "format": "json"}),
        (40, "/api/chat", {"messages": [], "format": {"type": "object"}}),
    ],
)
def test_what_breaks_in_other_dialects_is_found(number: int, path: str, body: dict[str, object]) -> None:
    assert number in {feature.number for feature in found_in(path, body)}


def test_every_finding_is_one_of_the_list() -> None:
    assert {feature.number for feature in FEATURES} <= {number for number, *_ in GOTCHAS}


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "messages",
                    "content",
                    "role",
                    "tool_calls",
                    "tools",
                    "input",
                    "text",
                    "format",
                    "source",
                    "function",
                    "n",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(ANY)
def test_nothing_that_was_recorded_makes_it_fail(record: object) -> None:
    found = request_in(record, "file")
    assert found is None or found_in(found.path, found.body) is not None


BODY = json.dumps(HELLO)
RECORDS = {
    "batch": {"custom_id": "1", "method": "POST", "url": PATH, "body": HELLO},
    "log": {"app": "shop", "path": PATH, "request": HELLO, "response": {}},
    "litellm": {"metadata": {"user_api_key_alias": "shop"}, "proxy_server_request": {"url": PATH, "body": HELLO}},
    "helicone": {"request_path": "https://api.openai.com" + PATH, "request_body": BODY, "properties": {"app": "shop"}},
    "langfuse": {"model": "gpt-4o", "input": HELLO["messages"], "modelParameters": {"temperature": 0}},
    "plain": HELLO,
}


@pytest.mark.parametrize("tool", RECORDS)
def test_a_request_is_found_whatever_recorded_it(tool: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join([json.dumps(RECORDS[tool])] * 2 + ["nonsense", "{}"]))
    found = list(requests(file))
    assert found[2:] == [None, None]
    assert isinstance(found[0], Request)
    assert (found[0].body["messages"], found[0].body["model"]) == (HELLO["messages"], "gpt-4o")
    assert found[0].app == ("shop" if "shop" in json.dumps(RECORDS[tool]) else "a")


def test_a_browsers_archive_is_read(tmp_path: Path) -> None:
    entry = {"request": {"url": "https://api.openai.com" + PATH, "postData": {"text": BODY}, "headers": []}}
    page = {"request": {"url": "https://example.org/"}}
    file = tmp_path / "session.har"
    file.write_text(json.dumps({"log": {"entries": [entry, page]}}, indent=1))
    assert list(requests(file)) == [Request("session", PATH, HELLO), None]


def test_an_audit_counts_for_each_application_and_keeps_no_word_of_it() -> None:
    audit = Audit()
    secret = {**HELLO, "messages": [{"role": "developer", "content": "zebra"}], "seed": 1}
    audit.take([Request("shop", PATH, HELLO), Request("shop", PATH, secret), None])
    found = audit.result()
    assert (found.requests, found.without_request) == (2, 1)
    (shop,) = found.applications
    assert [(one.number, one.requests, one.share, one.verdict) for one in shop.meets] == [
        (38, 1, 0.5, "yours to change"),
        (31, 1, 0.5, "handled"),
    ]
    assert "zebra" not in repr(found)


def test_what_a_gateway_has_counted_adds_up_and_what_is_not_known_is_left_out() -> None:
    audit = Audit()
    audit.add("shop", 3, {"31 role `developer`": 2, "99 what a later version finds": 1})
    audit.add("shop", 1, {"31 role `developer`": 1})
    (shop,) = audit.result().applications
    assert (shop.requests, [(one.number, one.requests) for one in shop.meets]) == (4, [(31, 3)])


def test_a_request_as_deep_as_json_can_be_is_looked_through() -> None:
    deep = json.loads('{"content":' * 900 + "[]" + "}" * 900)
    assert isinstance(found_in(PATH, {"messages": deep, "tools": deep}), list)


def test_a_document_of_googles_is_no_image() -> None:
    body = {"contents": [{"parts": [{"inlineData": {"mimeType": "application/pdf"}}]}]}
    assert {one.number for one in found_in(GEMINI, body)} == {33}


def lines(path: Path, *records: bytes) -> list[Request | None]:
    path.write_bytes(b"\n".join(records) + b"\n")
    return list(requests(path))


def test_a_line_may_be_as_long_as_an_image_makes_it(tmp_path: Path) -> None:
    long = json.dumps({**HELLO, "user": "x" * 3_000_000}).encode()
    found = lines(tmp_path / "log.jsonl", long, BODY.encode())
    assert [request is not None for request in found] == [True, True]


def test_one_line_that_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    whole = BODY.encode()
    found = lines(tmp_path / "a.jsonl", whole[10:], whole, whole)
    assert sorted(it is not None for it in found) == [False, True, True]
    assert [it is not None for it in lines(tmp_path / "b.jsonl", b"\xef\xbb\xbf" + whole, whole)] == [True, True]


def test_a_file_without_anything_has_no_records(tmp_path: Path) -> None:
    assert lines(tmp_path / "a.jsonl") == []
    assert lines(tmp_path / "b.jsonl", b"", b"  ", b"") == []


def test_a_document_over_several_lines_that_is_none_is_one_record_without_a_request(tmp_path: Path) -> None:
    har = json.dumps({"log": {"entries": [{"request": {"url": "https://x/y"}}]}}, indent=1).encode()
    assert lines(tmp_path / "cut.har", har[:-20]) == [None]
    assert lines(tmp_path / "noise.jsonl", b"\x00\xff\n" * 1000) == [None]
