"""What is found in a request without reading the whole of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import Failure
from earthward.dialects import envelope
from earthward.dialects.envelope import Envelope
from earthward.dialects.gemini import Glance, answers, conversation_root, features, glance

GOLDEN = Path(__file__).parent / "golden/gemini_requests"


def sealed(wire: Any) -> Envelope:
    found = envelope.read(wire if isinstance(wire, bytes) else json.dumps(wire).encode())
    assert isinstance(found, Envelope), found
    return found


def hints(wire: Any, stream: bool = False) -> Glance:
    found = glance(sealed(wire), "m", stream)
    assert isinstance(found, Glance), found
    return found


def said(*parts: Any, **fields: Any) -> Any:
    return {"contents": [{"role": "user", "parts": [*parts]}], **fields}


def test_features_are_what_a_target_must_be_able_to_do() -> None:
    snake, full = (hints((GOLDEN / f"{name}.json").read_bytes()) for name in ("snake_case", "sdk_every_field"))
    assert snake.features == {"tools", "images", "documents", "audio"}
    assert full.features == {"schema"}
    video = said({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://x"}})
    assert hints(video, stream=True).features == {"stream", "video"} == features(sealed(video), True)


def test_the_root_of_a_conversation_stays_the_same_over_its_turns() -> None:
    system = {"parts": [{"text": "Be kind."}]}
    first = said({"text": "Hi"}, systemInstruction=system)
    later = {**first, "contents": [*first["contents"], {"role": "model", "parts": [{"text": "Yo"}]}]}
    assert hints(first).root == hints(later).root == conversation_root(sealed(later)) != b""
    snake = {"contents": [{"parts": [{"text": "Hi"}]}], "system_instruction": system}
    assert hints(snake).root == hints(first).root
    assert hints(said({"text": "Ho"}, systemInstruction=system)).root != hints(first).root


def test_characters_are_those_of_texts_and_responses() -> None:
    response = {"functionResponse": {"name": "f", "response": {}}}
    assert hints(said({"text": "Hello"}, response)).characters == 5 + len(json.dumps(response["functionResponse"]))


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ({}, "contents"),
        ({"contents": [], "system_instruction": {}, "systemInstruction": {}}, "system_instruction"),
        ({"contents": [], "Contents": []}, "Contents"),
        ({"contents": [], "TOOLS": []}, "TOOLS"),
    ],
)
def test_what_decides_must_be_said_once_and_plainly(wire: Any, param: str) -> None:
    failure = glance(sealed(wire), "m", False)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == ("bad_request", param)


def test_a_model_must_be_named() -> None:
    assert isinstance(glance(sealed(said()), "", False), Failure)


@pytest.mark.parametrize(
    "contents", [5, None, [5], [{"parts": 5}], [{"parts": [{"text": 5}]}], [{"parts": [{"inlineData": 5}]}]]
)
def test_contents_of_another_form_are_for_the_upstream_to_refuse(contents: Any) -> None:
    hints({"contents": contents, "generationConfig": 5, "tools": None})


@pytest.mark.parametrize(("count", "wanted"), [(2, 2), (0, 1), (True, 1), ("2", 1), (None, 1)])
def test_how_many_answers_are_asked_for(count: Any, wanted: int) -> None:
    assert answers(sealed(said(generationConfig={"candidateCount": count}))) == wanted
    assert answers(sealed(said(generation_config={"candidate_count": count}))) == wanted


def test_bytes_of_text_need_no_target_that_reads_documents() -> None:
    plain = {"inlineData": {"mimeType": "text/plain", "data": "aGVsbG8="}}
    pdf = {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}}
    held = {"fileData": {"mimeType": "text/plain", "fileUri": "files/abc"}}
    assert hints(said(plain)).features == set()
    assert hints(said({"inline_data": {"mime_type": "TEXT/csv", "data": "aGVsbG8="}})).features == set()
    assert all(hints(said(plain, part)).features == {"documents"} for part in (pdf, held, {"inlineData": 5}))
