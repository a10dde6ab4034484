import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.dialects.envelope import Envelope, read
from earthward.dialects.openai_responses import kept
from earthward.dialects.openai_responses.kept import Named, Turn

encode, decode = msgspec.json.encode, msgspec.json.decode
SAID = {"type": "message", "role": "user", "content": "Hi."}
ANSWER = {
    "id": "resp_1",
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "sealed"},
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": []},
    ],
}
TURN = Turn(b"root", encode([SAID]), encode(ANSWER))


def envelope(**fields) -> Envelope:
    found = read(encode({"model": "m", **fields}))
    assert isinstance(found, Envelope)
    return found


def test_a_request_is_made_whole_with_what_was_said_and_answered_before():
    whole = decode(kept.continued(envelope(input="On.", previous_response_id="resp_ew_1"), [TURN]).encode())
    assert "previous_response_id" not in whole
    assert whole["input"] == [
        SAID,
        {"type": "reasoning", "summary": [], "encrypted_content": "sealed"},
        {"type": "message", "role": "assistant", "content": []},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "On."}]},
    ]


def test_a_first_request_stays_as_it_is():
    assert decode(kept.continued(envelope(input="Hi."), []).encode())["input"] == "Hi."


def test_nothing_is_left_with_who_is_asked_and_thoughts_are_asked_for_where_there_are_any():
    assert decode(kept.unkept(envelope(input="x", store=True)).encode())["store"] is False
    assert "include" not in kept.unkept(envelope(input="x")).fields
    thinking = kept.unkept(envelope(input="x", reasoning={"effort": "low"}, include=["a"]))
    assert thinking.get("include") == ["a", "reasoning.encrypted_content"]
    assert thinking.get("store") is False
    assert kept.unkept(thinking).get("include") == thinking.get("include")


EVENTS = (
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","store":false}}\n\n'
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"\\"response\\""}\n\n'
    b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1","store":false,"x":1}}\n\n'
)


def test_events_tell_the_id_under_which_a_response_is_kept():
    named = Named("resp_ew_2", "resp_ew_1").in_events(EVENTS)
    assert named.count(b'"id":"resp_ew_2"') == named.count(b'"previous_response_id":"resp_ew_1"') == 2
    assert b'data: {"type":"response.output_text.delta","delta":"\\"response\\""}\n\n' in named
    assert named.count(b"\n\n") == EVENTS.count(b"\n\n")
    assert decode(kept.last_response(named) or b"") == {
        "id": "resp_ew_2",
        "previous_response_id": "resp_ew_1",
        "store": True,
        "x": 1,
    }


@given(st.binary(max_size=200) | st.just(b'data: {"response":7}\n\n') | st.just(b'data: {"response":\n\n'))
def test_what_is_no_event_passes_as_it_is_and_ends_nothing(data):
    assert Named("resp_ew_2", None).in_events(data) == data
    assert kept.last_response(data) is None


@pytest.mark.parametrize(
    ("limit", "descending", "after", "texts", "more"),
    [
        (2, False, None, ["0", "1"], True),
        (2, False, 1, ["2", "3"], False),
        (2, True, None, ["3", "2"], True),
        (9, True, 2, ["1", "0"], False),
        (9, False, 7, ["0", "1", "2", "3"], False),
    ],
)
def test_items_come_in_pages(limit, descending, after, texts, more):
    turn = Turn(b"", encode([{"role": "user", "content": str(number)} for number in range(4)]), b"{}")
    after_id = f"in_ew_2_{after}" if after is not None else None
    page = decode(kept.write_input_items("resp_ew_2", turn, limit, descending, after_id))
    assert [item["content"][0]["text"] for item in page["data"]] == texts
    assert (page["has_more"], page["first_id"], page["last_id"]) == (
        more,
        page["data"][0]["id"],
        page["data"][-1]["id"],
    )


def test_a_request_in_no_form_of_this_dialect_has_no_items():
    for given_input in (7, None, {"a": 1}):
        assert kept.input_of(envelope(input=given_input)) == b"[]"
