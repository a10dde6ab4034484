"""What a text rests on, from every dialect that says it to every other: what both can say arrives."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.chat import (
    Answer,
    ChatRequest,
    Choice,
    Citation,
    Cited,
    Message,
    Role,
    Text,
    TextDelta,
    ToolCallStarted,
    cited,
    collect,
    events_of,
)
from earthward.dialects import anthropic_messages
from earthward.dialects.anthropic_messages.citations import pieces
from earthward.dialects.citing import CITING, citations_in, citing
from every_dialect import BY_NAME, Dialect

GOLDEN = Path(__file__).parent / "golden"
SAID = "Höst. Oslo is grey. See it."
PAGE = Citation(6, 19, "https://example.com/oslo", "Oslo")
CITERS = tuple(BY_NAME[name] for name in CITING)
BARE = {"ollama", "openai_completions"}


def page(citation: Citation) -> tuple[Any, ...]:
    return citation.start, citation.end, citation.url, citation.title


def answer(*parts: Any) -> Answer:
    return Answer("x", "m", 5, (Choice(parts, "stop"),))


def placed(found: Answer) -> list[tuple[str, str | None, str | None]]:
    """Each piece of text with the page that it rests on."""
    return [
        (part.text[slice(*citation.span(len(part.text)))], citation.url, citation.title)
        for part in found.choices[0].parts
        if isinstance(part, Text)
        for citation in part.citations
    ]


def read_whole(dialect: Dialect, name: str) -> Answer:
    found = dialect.read_answer((GOLDEN / name).read_bytes())
    assert isinstance(found, Answer), found
    return found


def read_stream(dialect: Dialect, name: str) -> Answer:
    stream = (GOLDEN / name).read_bytes()
    found = collect(dialect.read_stream(*(stream[at : at + 7] for at in range(0, len(stream), 7))))
    assert isinstance(found, Answer), found
    return found


# -- as the vendors say it


def test_openai_s_annotations_are_read_whole_and_streamed() -> None:
    dialect = BY_NAME["openai_chat"]
    for found in (read_whole(dialect, "answers/openai_cited.json"), read_stream(dialect, "streams/openai_cited.sse")):
        assert [page(each) for each in citations_in(found)] == [page(PAGE)]
        assert placed(found) == [("Oslo is grey.", PAGE.url, PAGE.title)]


def test_the_responses_annotations_are_read_with_the_files_that_openai_holds() -> None:
    first, second = citations_in(read_stream(BY_NAME["openai_responses"], "responses_streams/cited.sse"))
    assert page(first) == page(PAGE)
    assert (second.kind, second.title, second.rest) == ("file_citation", "oslo.pdf", {"file_id": "file-1"})


def test_an_annotation_that_only_the_whole_item_has_is_read_once() -> None:
    dialect = BY_NAME["openai_responses"]
    stream = (GOLDEN / "responses_streams/cited.sse").read_text()
    unsaid = "\n\n".join(block for block in stream.split("\n\n") if "annotation.added" not in block.split("\n")[0])
    found = collect(dialect.read_stream(unsaid.encode()))
    assert isinstance(found, Answer)
    assert [each.kind for each in citations_in(found)] == ["url_citation", "file_citation"]


def test_anthropic_s_citations_are_those_of_their_block() -> None:
    dialect = BY_NAME["anthropic_messages"]
    whole = read_whole(dialect, "anthropic_answers/anthropic_cited.json")
    streamed = read_stream(dialect, "anthropic_streams/anthropic_cited.sse")
    assert (
        placed(whole) == placed(streamed) == [("Oslo is grey.", None, "Weather"), ("Oslo is grey.", PAGE.url, "Oslo")]
    )
    document, found = citations_in(streamed)
    assert (document.kind, document.quote) == ("char_location", "Grey.")
    assert document.rest == {"document_index": 0, "start_char_index": 0, "end_char_index": 5}
    assert (found.start, found.end) == (6, 19)


def test_google_s_places_are_bytes_and_a_stream_s_those_of_all_its_text() -> None:
    found = read_stream(BY_NAME["gemini"], "gemini_streams/cited.sse")
    assert placed(found) == [
        ("Oslo is grey.", PAGE.url, "Oslo"),
        ("Oslo is grey.", None, "oslo.pdf"),
        ("Höst.", "https://example.com/host", None),
    ]


def test_what_google_says_twice_in_a_stream_is_said_once() -> None:
    stream = (GOLDEN / "gemini_streams/cited.sse").read_bytes()
    last = stream.rstrip().split(b"\r\n\r\n")[-1] + b"\r\n\r\n"
    again = last.replace(b'"text": " See it."', b'"text": ""')
    found = collect(BY_NAME["gemini"].read_stream(stream + again))
    assert isinstance(found, Answer)
    assert len(citations_in(found)) == 3


@pytest.mark.parametrize(
    ("segment", "piece"),
    [
        ({"startIndex": 7, "endIndex": 20, "text": "Oslo is grey."}, "Oslo is grey."),
        ({"endIndex": 6}, "Höst."),
        ({"startIndex": 0, "endIndex": 4, "text": "See it."}, "See it."),
        ({"partIndex": 1, "startIndex": 0, "endIndex": 7}, " Really"),
        ({"startIndex": 90, "endIndex": 3}, None),
        ({"startIndex": "x", "endIndex": -1, "text": "nowhere"}, None),
        (None, None),
    ],
)
def test_a_segment_is_where_it_says_and_what_it_says(segment: Any, piece: str | None) -> None:
    metadata = {
        "groundingChunks": [{"web": {"uri": "https://a.example"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 7, "x"]}],
    }
    content = {"role": "model", "parts": [{"text": SAID}, {"text": " Really"}]}
    body = {"candidates": [{"content": content, "finishReason": "STOP", "groundingMetadata": metadata}]}
    found = BY_NAME["gemini"].read_answer(json.dumps(body).encode())
    assert isinstance(found, Answer)
    (citation,) = citations_in(found)
    assert (citation.start is None) is (piece is None)
    if piece is not None:
        assert placed(found)[0][0] == piece


NONSENSE = [None, 7, "x", {}, [1], [{}], [{"type": 5}], [{"type": "url_citation", "url_citation": 3}], [[[]]]]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_annotations_that_are_none_take_no_answer_away(nonsense: Any) -> None:
    message = {"role": "assistant", "content": "Hi", "annotations": nonsense}
    chat = {"choices": [{"message": message, "finish_reason": "stop"}]}
    text = {"type": "output_text", "text": "Hi", "annotations": nonsense}
    responses = {"status": "completed", "output": [{"type": "message", "content": [text]}]}
    messages = {"content": [{"type": "text", "text": "Hi", "citations": nonsense}], "stop_reason": "end_turn"}
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "groundingMetadata": nonsense, "citationMetadata": nonsense}
    bodies = {
        "openai_chat": chat,
        "openai_responses": responses,
        "anthropic_messages": messages,
        "gemini": {"candidates": [candidate]},
    }
    for name, body in bodies.items():
        found = BY_NAME[name].read_answer(json.dumps(body).encode())
        assert isinstance(found, Answer), (name, found)
        assert found.choices[0].parts[0].text == "Hi"  # type: ignore[union-attr]
        for other in BY_NAME.values():
            assert isinstance(other.write_answer(found), bytes)
            assert other.write_stream(events_of(found))


# -- from each to each


@pytest.mark.parametrize("caller", CITERS, ids=lambda it: it.name)
@pytest.mark.parametrize("target", CITERS, ids=lambda it: it.name)
def test_a_page_arrives_whole_and_streamed_with_the_piece_that_rests_on_it(target: Dialect, caller: Dialect) -> None:
    told = answer(Text(SAID, (PAGE,)))
    found = target.read_answer(target.write_answer(told))  # type: ignore[arg-type]
    assert isinstance(found, Answer)
    arrived = caller.read_answer(caller.write_answer(found))  # type: ignore[arg-type]
    assert isinstance(arrived, Answer)
    assert "".join(part.text for part in arrived.choices[0].parts if isinstance(part, Text)) == SAID
    assert placed(arrived) == [("Oslo is grey.", PAGE.url, PAGE.title)]

    events = target.read_stream(target.write_stream(events_of(told)))
    streamed = collect(caller.read_stream(caller.write_stream(events)))
    assert isinstance(streamed, Answer)
    assert [each.url for each in citations_in(streamed)] == [PAGE.url]
    if "anthropic_messages" not in (target.name, caller.name):
        # Anthropic's blocks are not cut where it is only told later what they rest on.
        assert placed(streamed) == placed(arrived)


DOCUMENT = Citation(0, 5, None, "Weather", "Grey.", "char_location", {"document_index": 0, "start_char_index": 0})


@pytest.mark.parametrize(
    ("citation", "citers"),
    [
        (PAGE, {"openai_chat", "openai_responses", "anthropic_messages", "gemini"}),
        (DOCUMENT, {"anthropic_messages", "gemini"}),
        (Citation(5, 5, None, "a.pdf", None, "file_citation", {"file_id": "f"}), {"openai_responses", "gemini"}),
        (Citation(kind="file_path", rest={"file_id": "f"}), {"openai_responses"}),
        (Citation(kind="something_new"), set()),
    ],
)
def test_whether_it_can_be_said_is_told_by_what_is_written(citation: Citation, citers: set[str]) -> None:
    assert {name for name in CITING if CITING[name].can_cite(citation)} == citers
    for dialect in BY_NAME.values():
        assert citing(dialect.name).can_cite(citation) is (dialect.name in citers)
        said = answer(Text(SAID, (citation,)))
        written = dialect.write_answer(said)
        assert isinstance(written, bytes)
        found = dialect.read_answer(written)
        assert isinstance(found, Answer)
        assert len(citations_in(found)) == (dialect.name in citers), (dialect.name, written)
        streamed = collect(dialect.read_stream(dialect.write_stream(events_of(said))))
        assert isinstance(streamed, Answer)
        assert len(citations_in(streamed)) == (dialect.name in citers), dialect.name


def test_what_openai_s_sdk_would_not_put_together_comes_in_one_piece() -> None:
    stream = BY_NAME["openai_chat"].write_stream(events_of(answer(Text(SAID, (PAGE, DOCUMENT, PAGE)))))
    assert stream.count(b'"annotations"') == 1


def test_what_is_cited_when_no_text_is_open_any_more_is_known_to_be_lost() -> None:
    late = [TextDelta("Hi"), ToolCallStarted(0, "c", "f"), Cited(PAGE)]
    for name in ("anthropic_messages", "openai_responses"):
        writer = BY_NAME[name].writer()
        for event in late[:2]:
            writer.write(event)
        assert not writer.has_lost
        assert writer.write(late[2]) == b""
        assert writer.has_lost


# -- in the vocabulary


def test_each_goes_to_the_text_that_holds_its_piece() -> None:
    parts = (Text("one"), Text("two"))
    inside, after, across, nowhere = Citation(0, 3), Citation(3, 6), Citation(2, 5), Citation()
    assert cited(parts, [inside]) == (Text("one", (inside,)), Text("two"))
    assert cited(parts, [after]) == (Text("one"), Text("two", (Citation(0, 3),)))
    assert cited(parts, [across])[1] == Text("two", (Citation(0, 2),))
    assert cited(parts, [nowhere])[1] == Text("two", (nowhere,))
    assert cited((), [inside]) == ()


@pytest.mark.parametrize("span", [(5, 2), (0, 99), (-3, 2)])
def test_a_piece_that_is_not_in_the_text_is_all_of_it(span: tuple[int, int]) -> None:
    assert Citation(*span).span(10) == (0, 10)


SPANS = st.tuples(st.integers(0, 12), st.integers(0, 12))
CITATIONS = st.lists(st.builds(lambda span: Citation(*span, "https://a.example"), SPANS), max_size=5)


@given(st.text(max_size=12), CITATIONS)
def test_a_text_that_is_cut_says_the_same_and_rests_on_the_same(text: str, citations: list[Citation]) -> None:
    cut = pieces(Text(text, tuple(citations)))
    assert "".join(piece.text for piece in cut) == text
    assert sum(len(piece.citations) for piece in cut) == len(citations)
    assert len(cut) == 1 or all(piece.text.strip() for piece in cut)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), CITATIONS), min_size=1, max_size=3))
def test_the_events_of_a_cited_answer_spell_the_same(texts: list[tuple[str, list[Citation]]]) -> None:
    """Texts that follow one another are one in a stream."""
    told = answer(*(Text(text, tuple(Citation(*it.span(len(text)), it.url) for it in them)) for text, them in texts))
    found = collect(events_of(told))
    assert isinstance(found, Answer)
    assert sorted(placed(found)) == sorted(placed(told))


# -- in a conversation that goes on

OWN = {
    "openai_responses": Citation(6, 19, "https://example.com/oslo", "Oslo", kind="url_citation"),
    "anthropic_messages": Citation(
        0,
        len(SAID),
        "https://example.com/oslo",
        "Oslo",
        "Grey.",
        "web_search_result_location",
        {"encrypted_index": "E"},
    ),
}


def asked(citation: Citation, role: Role = Role.ASSISTANT) -> ChatRequest:
    turns = (
        Message(Role.USER, (Text("Hi"),)),
        Message(role, (Text(SAID, (citation,)),)),
        Message(Role.USER, (Text("?"),)),
    )
    return ChatRequest("m", turns, max_tokens=9)


def again(dialect: Dialect, request: ChatRequest) -> list[Citation]:
    body = dialect.write_request(request)
    assert isinstance(body, bytes), body
    found = dialect.read_request(body)
    assert isinstance(found, ChatRequest), found
    return [
        each
        for message in found.messages
        for part in message.parts
        if isinstance(part, Text)
        for each in part.citations
    ]


@settings(deadline=None)
@given(st.sampled_from([name for name in BY_NAME if name != "openai_completions"]), st.sampled_from(sorted(OWN)))
def test_what_was_cited_before_is_said_again_or_named(name: str, vendor: str) -> None:
    dialect, citation = BY_NAME[name], OWN[vendor]
    request = asked(citation)
    is_said = bool(again(dialect, request))
    assert is_said is (name == vendor or name == "openai_responses")
    assert ("messages.citations" in dialect.losses(request)) is not is_said
    if name == vendor:
        assert again(dialect, request) == [citation]


def test_what_another_said_with_citations_is_named() -> None:
    for dialect in BY_NAME.values():
        assert "messages.citations" in dialect.losses(asked(OWN["openai_responses"], Role.USER))


def test_a_page_that_anthropic_did_not_seal_is_never_sent_to_it() -> None:
    """It checks the seal, and refuses the whole request for one that is none."""
    ours = anthropic_messages.write_answer(answer(Text(SAID, (PAGE,))))
    content = json.loads(ours)["content"]
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": "?"},
    ]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": turns}).encode()
    read = anthropic_messages.read_request(body)
    assert isinstance(read, ChatRequest)
    written = anthropic_messages.write_request(read)
    assert isinstance(written, bytes)
    assert b"citations" not in written
    assert "messages.citations" in anthropic_messages.losses(read)


def test_a_message_of_openai_s_that_is_sent_back_whole_tells_what_it_rested_on() -> None:
    note = {
        "type": "url_citation",
        "url_citation": {"start_index": 6, "end_index": 19, "title": "Oslo", "url": PAGE.url},
    }
    said = {"role": "assistant", "content": SAID, "annotations": [note]}
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}, said]}).encode()
    read = BY_NAME["openai_chat"].read_request(body)
    assert isinstance(read, ChatRequest)
    assert [page(each) for each in again(BY_NAME["openai_responses"], read)] == [page(PAGE)]
    assert BY_NAME["openai_responses"].losses(read) == ()
    assert BY_NAME["gemini"].losses(read) == ("messages.citations",)
