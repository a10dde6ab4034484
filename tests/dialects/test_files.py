"""Text in files is told as text by everybody; what can't be read is refused by the place it stood in."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.chat import ChatRequest, Document, Failure, FailureKind
from earthward.dialects import anthropic_messages, envelope, gemini, ollama, openai_chat, openai_responses
from earthward.dialects.files import LARGEST_TEXT, as_text, document, is_text, read_file, size_of_text, type_of
from earthward.dialects.inexpressible import Inexpressible

NOTES = "Größe: 5 µm\n"
DATA = base64.b64encode(NOTES.encode()).decode()
PDF = base64.b64encode(b"%PDF-1.7\n").decode()

Asking = Callable[[str, str, str], tuple[Any, ChatRequest | Failure, str]]
"""Of a type, its base64 and a name: the request, what is read of it, and the place of the data."""


def in_chat(kind: str, data: str, name: str) -> tuple[Any, ChatRequest | Failure, str]:
    file = {"file_data": f"data:{kind};base64,{data}" if kind else data, "filename": name}
    wire = {"model": "m", "messages": [{"role": "user", "content": [{"type": "file", "file": file}]}]}
    return wire, openai_chat.read_request(json.dumps(wire).encode()), "messages[0].content[0].file.file_data"


def in_responses(kind: str, data: str, name: str) -> tuple[Any, ChatRequest | Failure, str]:
    file = {"type": "input_file", "file_data": f"data:{kind};base64,{data}" if kind else data, "filename": name}
    wire = {"model": "m", "input": [{"role": "user", "content": [file]}]}
    return wire, openai_responses.read_request(json.dumps(wire).encode()), "input[0].content[0].file_data"


def in_messages(kind: str, data: str, name: str) -> tuple[Any, ChatRequest | Failure, str]:
    source = {"type": "base64", "data": data, "media_type": kind or None}
    block = {"type": "document", "source": source, "title": name}
    wire = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}
    return wire, anthropic_messages.read_request(json.dumps(wire).encode()), "messages[0].content[0].source.data"


def in_contents(kind: str, data: str, name: str) -> tuple[Any, ChatRequest | Failure, str]:
    wire = {"contents": [{"parts": [{"inlineData": {"mimeType": kind or None, "data": data, "displayName": name}}]}]}
    return wire, gemini.read_request(json.dumps(wire).encode(), "m"), "contents[0].parts[0].inlineData.data"


ASKING = [in_chat, in_responses, in_messages, in_contents]
FEATURES: dict[Any, Callable[[Any], Any]] = {
    in_chat: openai_chat.features,
    in_responses: openai_responses.features,
    in_messages: anthropic_messages.features,
    in_contents: lambda sealed: gemini.glance(sealed, "m", False).features,  # type: ignore[union-attr]
}
KINDS = ["text/plain", "text/markdown", "text/csv", "application/json", "application/x-yaml", "application/ld+json"]


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("kind", [*KINDS, "text/plain;charset=UTF-8", "TEXT/Plain"])
def test_text_is_read_whatever_kind_it_is(asking: Asking, kind: str) -> None:
    _, request, _ = asking(kind, DATA, "notes")
    assert isinstance(request, ChatRequest)
    assert request.messages[0].parts == (Document(kind.partition(";")[0].lower(), text=NOTES, name="notes"),)


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("name", ["notes.md", "NOTES.JSON", "a.b.csv", "x.py"])
@pytest.mark.parametrize("kind", ["", "application/octet-stream"])
def test_where_no_type_is_stated_the_name_tells(asking: Asking, name: str, kind: str) -> None:
    _, request, _ = asking(kind, DATA, name)
    assert isinstance(request, ChatRequest)
    assert [part.text for part in request.messages[0].parts if isinstance(part, Document)] == [NOTES]


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize(
    "write",
    [
        openai_chat.write_request,
        openai_responses.write_request,
        anthropic_messages.write_request,
        gemini.write_request,
        ollama.write_request,
    ],
)
def test_text_in_a_file_is_told_to_every_target_under_its_name(asking: Asking, write: Any) -> None:
    _, request, _ = asking("text/csv", DATA, "sizes.csv")
    written = write(request)
    assert isinstance(written, bytes), written
    told = json.dumps(json.loads(written), ensure_ascii=False)
    assert "sizes.csv" in told
    assert json.dumps(NOTES, ensure_ascii=False)[1:-1] in told


@pytest.mark.parametrize("asking", ASKING)
def test_a_pdf_stays_one_and_is_refused_with_the_way_out_where_none_is_read(asking: Asking) -> None:
    _, request, _ = asking("application/pdf", PDF, "a.pdf")
    assert isinstance(request, ChatRequest)
    assert request.messages[0].parts == (Document("application/pdf", PDF, name="a.pdf"),)
    refused = ollama.write_request(request)
    assert isinstance(refused, Failure)
    assert "send its text instead" in refused.message


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("kind", ["text/plain", "application/pdf"])
@pytest.mark.parametrize("data", ["not base64!", "a", "aGVsbG8=xx", "=", "aGV=sbG8"])
def test_what_is_not_base64_is_refused_by_its_place(asking: Asking, kind: str, data: str) -> None:
    _, refused, where = asking(kind, data, "notes")
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.param) == (FailureKind.BAD_REQUEST, where)
    assert f"`{where}` is not base64" in refused.message


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("data", [b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80"])
def test_what_is_said_to_be_text_and_is_none_is_refused_by_its_place(asking: Asking, data: bytes) -> None:
    _, refused, where = asking("text/plain", base64.b64encode(data).decode(), "notes")
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.param) == (FailureKind.BAD_REQUEST, where)
    assert f"`{where}` is said to be text/plain, but its bytes are not text in UTF-8" in refused.message


@pytest.mark.parametrize("asking", ASKING)
def test_another_encoding_is_named(asking: Asking) -> None:
    _, refused, where = asking("text/plain; charset=iso-8859-1", DATA, "notes")
    assert isinstance(refused, Failure)
    assert refused.param == where
    assert "iso-8859-1" in refused.message


@pytest.mark.parametrize("asking", ASKING)
def test_text_that_no_model_reads_at_once_is_too_large(asking: Asking) -> None:
    fits = base64.b64encode(b"x" * LARGEST_TEXT).decode()
    assert isinstance(asking("text/plain", fits, "notes")[1], ChatRequest)
    _, refused, where = asking("text/plain", base64.b64encode(b"x" * (LARGEST_TEXT + 1)).decode(), "notes")
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.param) == (FailureKind.TOO_LARGE, where)


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize(
    ("kind", "name", "needs"),
    [("text/csv", "a", False), ("application/json", "a", False), ("application/pdf", "a", True)],
)
def test_text_needs_no_target_that_reads_documents(asking: Asking, kind: str, name: str, needs: bool) -> None:
    sealed = envelope.read(json.dumps(asking(kind, DATA, name)[0]).encode())
    assert ("documents" in FEATURES[asking](sealed)) is needs


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("data:,A%20brief%20note", "A brief note"),
        ("data:text/markdown,%23%20Title", "# Title"),
        ("DATA:text/plain;BASE64,aGVsbG8", "hello"),
        ("data:text/plain;base64,aGVs\nbG8=", "hello"),
        ("data:text/plain;base64,77u_aGVsbG8", "hello"),
    ],
)
def test_a_data_url_is_read_in_every_spelling(given: str, text: str) -> None:
    assert read_file(given, None, "f").text == text


@pytest.mark.parametrize("given", ["data:", "data:text/plain", "data:text/plain;base64"])
def test_a_data_url_without_data_is_refused(given: str) -> None:
    with pytest.raises(Inexpressible) as refused:
        read_file(given, "a.txt", "f")
    assert refused.value.failure.param == "f"
    assert "no comma" in refused.value.failure.message


def test_bytes_of_no_known_type_stay_bytes() -> None:
    assert read_file(PDF, None, "f") == Document(None, PDF)
    assert document("application/zip", DATA, "a.txt", "f") == Document("application/zip", DATA, name="a.txt")


def test_an_image_that_is_written_in_xml_is_no_text() -> None:
    assert not is_text("image/svg+xml")
    assert is_text(type_of("", "a.XML"))
    assert type_of("", "xml") == type_of("", None) == type_of("", 5) == ""


def test_a_file_that_was_fetched_is_told_as_text_where_it_can_be() -> None:
    assert as_text(Document("text/plain", DATA, name="a")) == Document("text/plain", text=NOTES, name="a")
    for kept in (Document("text/plain", "/w=="), Document("application/pdf", PDF), Document(url="https://a.b/c")):
        assert as_text(kept) == kept


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_how_much_text_a_file_holds_is_told_of_whatever_stands_there(raw: bytes) -> None:
    found = size_of_text(raw)
    assert found is None or found >= 0


@given(st.text(max_size=60), st.none() | st.text(max_size=9))
def test_whatever_is_given_for_a_file_is_read_or_refused(given_: str, name: str | None) -> None:
    file = {"file_data": given_, "filename": name}
    wire = {"model": "m", "messages": [{"role": "user", "content": [{"type": "file", "file": file}]}]}
    found = openai_chat.read_request(json.dumps(wire).encode())
    assert isinstance(found, ChatRequest) or found.param == "messages[0].content[0].file.file_data"
