"""Embeddings in every vendor's form, with the vendors' SDKs at the other end."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canned_sdks import Canned, google_client, openai_client
from earthward.chat import Count, Embeddings, EmbedRequest, Failure
from earthward.chat.embedding import checked
from earthward.dialects import envelope
from earthward.dialects.embeddings import gemini, ollama, openai
from earthward.dialects.envelope import Envelope

TWO = EmbedRequest("m", ("a", "b"))
FOUND = Embeddings("up", ([0.5, -1.0, 0.25], [1.0, 0.0, 2.0]), Count.reported(3))


def encoded(body: bytes | Failure) -> bytes:
    assert isinstance(body, bytes), body
    return body


# OpenAI.


@pytest.mark.parametrize("packed", [True, False])
def test_openais_sdk_reads_vectors_as_numbers_and_as_base64(packed: bool) -> None:
    canned = Canned(openai.write_answer(FOUND, "asked-for", packed))
    found = openai_client(canned).embeddings.create(model="m", input=["a", "b"], dimensions=3, user="u")
    assert [one.embedding for one in found.data] == [*FOUND.vectors]
    assert (found.model, found.usage.prompt_tokens) == ("asked-for", 3)
    request = openai.read_request(canned.requests[0].read())
    assert request == EmbedRequest("m", ("a", "b"), 3, user="u")
    sealed = envelope.read(canned.requests[0].read())
    assert isinstance(sealed, Envelope)
    assert openai.wants_base64(sealed)


@given(
    st.lists(
        st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
        min_size=2,
        max_size=2,
    )
)
def test_vectors_read_back_in_either_form(vectors: list[list[float]]) -> None:
    found = Embeddings("m", tuple(vectors), Count.reported(1))
    for packed in (True, False):
        assert openai.read_answer(openai.write_answer(found, "m", packed), TWO) == found


def test_a_number_too_large_for_32_bits_is_as_near_as_they_come() -> None:
    body = openai.write_answer(Embeddings("m", ([1e300, -1e300],)), "m", True)
    back = openai.read_answer(body, EmbedRequest("m", ("a",)))
    assert isinstance(back, Embeddings)
    assert all(math.isfinite(number) for number in back.vectors[0])


@pytest.mark.parametrize("tokens", [[1, 2], [[1], [2]], ["a", 1]])
def test_gotcha_58_token_numbers_are_refused_with_the_way_out(tokens: Any) -> None:
    failure = openai.read_request(json.dumps({"model": "m", "input": tokens}).encode())
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == ("unsupported", "input")
    assert "check_embedding_ctx_length=False" in failure.message


@pytest.mark.parametrize(
    "wire",
    [
        *({}, [], {"model": "m"}, {"model": "m", "input": []}, {"model": "m", "input": 5}),
        {"model": "m", "input": "a", "encoding_format": "int8"},
    ],
)
def test_what_is_no_request_of_openais_is_said(wire: Any) -> None:
    failure = openai.read_request(json.dumps(wire).encode())
    assert isinstance(failure, Failure)
    assert failure.kind == "bad_request"


# Google.


def test_googles_sdk_asks_for_several_and_reads_them() -> None:
    canned = Canned(gemini.write_answer(FOUND, "batch"))
    config: Any = {"task_type": "RETRIEVAL_QUERY", "output_dimensionality": 3}
    found = google_client(canned).models.embed_content(model="m", contents=["a", "b"], config=config)
    assert [one.values for one in found.embeddings or ()] == [*FOUND.vectors]
    assert canned.requests[0].url.path.endswith(":batchEmbedContents")
    request = gemini.read_request(canned.requests[0].read(), "m", "batch")
    assert request == EmbedRequest("m", ("a", "b"), 3, "query")


@pytest.mark.parametrize(
    ("tuned", "request_"),
    [
        ({"taskType": 2, "title": "t"}, EmbedRequest("m", ("a",), task="document", title="t")),
        ({"taskType": 9}, EmbedRequest("m", ("a",), rest={"taskType": 9})),
        (
            {"embedContentConfig": {"taskType": "CLUSTERING", "outputDimensionality": 3, "autoTruncate": False}},
            EmbedRequest("m", ("a",), 3, task="clustering", truncate=False),
        ),
    ],
)
def test_what_tunes_google_s_vectors_is_read_where_older_and_newer_sdks_write_it(
    tuned: Any, request_: EmbedRequest
) -> None:
    wire = {"content": {"parts": [{"text": "a"}]}, **tuned}
    assert gemini.read_request(json.dumps(wire).encode(), "m", "one") == request_
    assert gemini.read_request(json.dumps({"requests": [wire]}).encode(), "m", "batch") == request_


@pytest.mark.parametrize("form", ["one", "batch", "predict"])
def test_googles_forms_read_back(form: gemini.Form) -> None:
    texts = ("a",) if form == "one" else ("a", "b")
    request = EmbedRequest("m", texts, 3, "document", "T", truncate=True if form == "predict" else None)
    assert gemini.read_request(encoded(gemini.write_request(request, form)), "m", form) == request
    found = Embeddings(None, FOUND.vectors[: len(texts)], Count() if form == "predict" else FOUND.input)
    assert gemini.read_answer(gemini.write_answer(found, form), request) == found


def test_texts_are_not_cut_at_vertex_unless_the_caller_said_so() -> None:
    assert json.loads(encoded(gemini.write_request(TWO, "predict")))["parameters"] == {"autoTruncate": False}


def test_counts_stand_beside_vectors_at_vertex() -> None:
    vector = {"values": [1.0], "statistics": {"token_count": 2, "truncated": False}}
    body = json.dumps({"predictions": [{"embeddings": vector}, {"embeddings": vector}]}).encode()
    found = gemini.read_answer(body, TWO)
    assert isinstance(found, Embeddings)
    assert found.input == Count.reported(4)


def test_parts_of_a_content_are_one_text_in_either_spelling() -> None:
    wire = {"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "task_type": "NEW", "output_dimensionality": 3}
    request = EmbedRequest("m", ("ab",), 3, rest={"taskType": "NEW"})
    assert gemini.read_request(json.dumps(wire).encode(), "m", "one") == request
    assert gemini.text_length(json.dumps({"requests": [wire, wire]}).encode()) == 4


@pytest.mark.parametrize("form", ["one", "batch"])
def test_at_vertex_what_tunes_stands_apart_and_texts_are_not_cut(form: gemini.Form) -> None:
    request = EmbedRequest("m", ("a",) if form == "one" else ("a", "b"), 3, "document", "T", user="u")
    wire = json.loads(encoded(gemini.write_request(request, form, vertex=True)))
    one = wire if form == "one" else wire["requests"][1]
    assert set(one) == {"content", "embedContentConfig"}
    assert one["embedContentConfig"] == {
        "taskType": "RETRIEVAL_DOCUMENT",
        "title": "T",
        "outputDimensionality": 3,
        "autoTruncate": False,
    }
    assert gemini.losses(request, form, vertex=True) == ("user",)
    back = gemini.read_request(json.dumps(wire).encode(), "m", form)
    assert back == msgspec.structs.replace(request, truncate=False, user=None)


@pytest.mark.parametrize(
    ("form", "wire", "names"),
    [
        ("one", {"content": {"parts": [{"text": "a"}]}, "embedContentConfig": {"document_ocr": True}}, {"documentOcr"}),
        ("one", {"content": {"parts": [{"text": "a"}]}, "taskType": "NEW", "later": 1}, {"taskType", "later"}),
        ("predict", {"instances": [{"content": "a", "mimeType": "text/plain"}]}, {"mimeType"}),
        ("predict", {"instances": [{"content": "a"}], "parameters": {"later": 1}}, {"later"}),
    ],
)
def test_what_no_other_has_a_word_for_is_named_when_it_is_dropped(
    form: gemini.Form, wire: Any, names: set[str]
) -> None:
    request = gemini.read_request(json.dumps(wire).encode(), "m", form)
    assert isinstance(request, EmbedRequest)
    assert names <= set(gemini.losses(request))
    assert names <= set(openai.losses(request))
    assert names <= set(ollama.losses(request))
    assert gemini.text_length(b"{") == 0


@pytest.mark.parametrize(
    ("wire", "form", "kind"),
    [
        ({"content": {"parts": [{"inlineData": {}}]}}, "one", "unsupported"),
        ({"requests": [{"content": {"parts": []}}, {"content": {"parts": []}, "title": "x"}]}, "batch", "unsupported"),
        ({"instances": [{"content": "a"}, {"content": "b", "task_type": "CLUSTERING"}]}, "predict", "unsupported"),
        ({"requests": []}, "batch", "bad_request"),
        ({"instances": []}, "predict", "bad_request"),
        ({}, "one", "bad_request"),
        ([], "batch", "bad_request"),
    ],
)
def test_what_cannot_be_asked_of_google_is_said(wire: Any, form: gemini.Form, kind: str) -> None:
    failure = gemini.read_request(json.dumps(wire).encode(), "m", form)
    assert isinstance(failure, Failure)
    assert failure.kind == kind


def test_one_at_a_time_is_one() -> None:
    assert isinstance(gemini.write_request(TWO, "one"), Failure)


# Ollama.


def test_ollamas_forms_read_back() -> None:
    request = EmbedRequest("m", ("a", "b"), 3, truncate=True)
    assert ollama.read_request(encoded(ollama.write_request(request))) == request
    found = Embeddings("asked-for", FOUND.vectors, FOUND.input)
    assert ollama.read_answer(ollama.write_answer(found, "asked-for", legacy=False), request) == found
    legacy = json.loads(ollama.write_answer(found, "m", legacy=True))
    assert legacy == {"embedding": [0.5, -1.0, 0.25]}
    assert ollama.read_request(b'{"model":"m","prompt":"a"}') == EmbedRequest("m", ("a",))


def test_gotcha_56_texts_are_not_cut_by_ollama_unless_the_caller_said_so() -> None:
    wire = json.loads(encoded(ollama.write_request(TWO, keep_alive=-1)))
    assert wire == {"model": "m", "input": ["a", "b"], "truncate": False, "keep_alive": -1}


def test_how_a_model_is_loaded_is_not_the_callers_to_say() -> None:
    request = ollama.read_request(b'{"model":"m","input":"a","keep_alive":0,"options":{"num_ctx":9},"x":1}')
    assert isinstance(request, EmbedRequest)
    assert json.loads(encoded(ollama.write_request(request))) == {"model": "m", "input": ["a"], "truncate": False}
    assert ollama.losses(request) == ("keep_alive", "options", "x")
    unsaid = ollama.read_request(b'{"model":"m","input":"a","keep_alive":null,"options":{}}')
    assert unsaid == EmbedRequest("m", ("a",))


# Between them.

ALL = EmbedRequest("m", ("a", "b"), 3, "query", "T", True, "u", {"x": 1})


def test_losses_name_what_is_dropped() -> None:
    assert openai.losses(ALL) == ("task", "title", "truncate", "x")
    assert gemini.losses(ALL) == ("user", "truncate", "x")
    assert gemini.losses(ALL, "predict") == ("user", "x")
    assert ollama.losses(ALL) == ("task", "title", "user", "x")


def test_a_text_and_its_vector_stay_together_from_any_form_to_any() -> None:
    bodies = [
        (encoded(openai.write_request(TWO)), openai.read_request),
        (encoded(gemini.write_request(TWO)), lambda body: gemini.read_request(body, "m", "batch")),
        (encoded(ollama.write_request(TWO)), ollama.read_request),
    ]
    for body, read in bodies:
        request = read(body)
        assert isinstance(request, EmbedRequest)
        assert request.texts == TWO.texts
    answers = [
        openai.read_answer(openai.write_answer(FOUND, "m", True), TWO),
        gemini.read_answer(gemini.write_answer(FOUND, "batch"), TWO),
        ollama.read_answer(ollama.write_answer(FOUND, "m", False), TWO),
    ]
    for answer in answers:
        assert isinstance(answer, Embeddings)
        assert (answer.vectors, answer.input) == (FOUND.vectors, FOUND.input)


def test_vectors_are_put_in_the_order_of_their_texts() -> None:
    data = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    found = openai.read_answer(json.dumps({"data": data}).encode(), TWO)
    assert isinstance(found, Embeddings)
    assert found.vectors == ([1.0], [2.0])


@pytest.mark.parametrize("vectors", [(), ([1.0],), ([1.0], [1.0, 2.0]), ([], []), ([1.0], [1.0], [1.0])])
def test_vectors_that_are_not_those_of_the_texts_are_malformed(vectors: tuple[list[float], ...]) -> None:
    failure = checked(Embeddings("m", vectors), TWO)
    assert isinstance(failure, Failure)
    assert failure.kind == "malformed"


def test_vectors_of_another_size_than_asked_for_are_malformed() -> None:
    assert isinstance(checked(FOUND, EmbedRequest("m", ("a", "b"), 4)), Failure)
    assert checked(FOUND, EmbedRequest("m", ("a", "b"), 3)) == FOUND


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"5", b"[]", b"{}", b'{"data":5,"embeddings":5}', b'{"data":[{"embedding":"?"}]}'),
        *(b'{"data":[{"embedding":"AAA="}]}', b'{"embeddings":[["x"]]}', b'{"embeddings":[[null]]}'),
        b'{"data":[{"embedding":[NaN]}],"embeddings":[[NaN]]}',
    ],
)
def test_an_answer_without_vectors_is_malformed(body: bytes) -> None:
    for form in (openai, gemini, ollama):
        failure = form.read_answer(body, TWO)
        assert isinstance(failure, Failure)
        assert failure.kind == "malformed"


def test_an_error_in_an_answer_is_a_failure() -> None:
    for form in (openai, gemini, ollama):
        failure = form.read_answer(b'{"error":{"code":503,"message":"busy"}}', TWO)
        assert isinstance(failure, Failure)


def envelope_of(**fields):
    return envelope.read(msgspec.json.encode(fields))


def test_a_request_for_one_who_speaks_the_same_keeps_all_but_the_model():
    sent = openai.prepare(envelope_of(model="alias", input=[[1, 2]], encoding_format="base64", x=1), "real")
    assert msgspec.json.decode(sent) == {"model": "real", "input": [[1, 2]], "encoding_format": "base64", "x": 1}


@pytest.mark.parametrize(
    ("given", "texts", "characters"),
    [("four", 1, 4), (["a", "bcd"], 2, 4), ([1, 2, 3], 1, 12), ([[1], [2, 3]], 2, 12), ([], 0, 0), ({"a": 1}, 0, 4)],
)
def test_texts_and_their_length_are_seen_at_a_glance(given, texts, characters):
    asked = envelope_of(input=given)
    assert (openai.how_many(asked), openai.characters(asked)) == (texts, characters)


def test_an_answer_that_passes_says_the_name_that_was_asked_for():
    body = b'{"object":"list","data":[{"embedding":"AAA=","index":0}],"model":"real","usage":{"prompt_tokens":3},"x":1}'
    heard = openai.listen_answer(body, "alias", 1)
    assert msgspec.json.decode(heard.body) == {**msgspec.json.decode(body), "model": "alias"}
    assert heard.input == Count.reported(3)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data":[]}', b'{"error":{"message":"no"}}', b'{"data":{}}', b"\xff"]
)
def test_an_answer_without_the_vectors_does_not_pass(body):
    heard = openai.listen_answer(body, "alias", 1)
    assert heard.failure is not None
    assert heard.body == b""


@pytest.mark.parametrize(
    ("fields", "has_text", "characters"),
    [
        ({"input": "abc"}, True, 3),
        ({"input": ["ab", "c"]}, True, 3),
        ({"prompt": "abc"}, True, 3),
        ({"input": ""}, False, 0),
        ({"input": []}, False, 0),
        ({}, False, 0),
        ({"input": None, "prompt": "ab"}, True, 2),
    ],
)
def test_a_request_of_an_ollama_client_without_text_is_told_from_one_with(fields, has_text, characters):
    asked = envelope_of(**fields)
    assert (ollama.has_text(asked), ollama.characters(asked)) == (has_text, characters)


@pytest.mark.parametrize("kind", ["inlineData", "fileData", "functionCall"])
def test_what_is_no_text_is_refused_by_its_name_even_where_the_model_would_take_it(kind: str) -> None:
    """Gemini's second generation of embeddings takes images and sound; beside a text they are none of it either."""
    for part in ({kind: {"mimeType": "image/png", "data": "AAAA"}}, {"text": "x", kind: {"data": "AAAA"}}):
        body = json.dumps({"content": {"parts": [{"text": "a"}, part]}}).encode()
        failure = gemini.read_request(body, "gemini-embedding-2", "one")
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.param) == ("unsupported", "requests[0].content.parts[1]")
        assert f"`{kind}` cannot be embedded" in failure.message
        assert "send its text" in failure.message
    silent = gemini.read_request(b'{"content": {"parts": [{}]}}', "m", "one")
    assert isinstance(silent, Failure)
    assert "without `text`" in silent.message


def test_what_only_tunes_a_part_is_named() -> None:
    part = {"text": "a", "mediaResolution": {"level": "LOW"}}
    asked = gemini.read_request(json.dumps({"content": {"parts": [part]}}).encode(), "gemini-embedding-2", "one")
    assert isinstance(asked, EmbedRequest)
    assert gemini.losses(asked, "one") == ("content.parts.mediaResolution",)
