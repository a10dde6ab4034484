"""Answers that are one word of a few: asked of others as an object, and given to the caller bare."""

import json
from typing import Any

import pytest

from earthward.chat import Answer, ChatRequest, Choice, Citation, Cited, Failure, Finished, Text, TextDelta, ToolCall
from earthward.dialects import gemini
from earthward.dialects.gemini.enums import BareWriter, bare, is_one_of, one_of, with_bare_words
from earthward.dialects.inexpressible import Inexpressible

MOODS = {"type": "STRING", "enum": ["good", "bad"]}


def asked(schema: Any) -> ChatRequest | Failure:
    config = {"responseMimeType": "text/x.enum", "responseSchema": schema}
    body = {"contents": [{"role": "user", "parts": [{"text": "How?"}]}], "generationConfig": config}
    return gemini.read_request(json.dumps(body).encode(), "m")


def test_the_words_are_asked_for_in_an_object() -> None:
    request = asked(MOODS)
    assert isinstance(request, ChatRequest)
    assert is_one_of(request.output)
    assert request.output is not None
    assert request.output.schema is not None
    assert request.output.schema["properties"]["one_of"] == {"type": "string", "enum": ["good", "bad"]}
    assert request.output.schema["additionalProperties"] is False


@pytest.mark.parametrize("schema", [None, {}, {"type": "STRING"}, {"enum": []}, {"enum": [1]}, {"enum": "good"}])
def test_no_words_to_choose_from_are_refused_with_the_way_out(schema: Any) -> None:
    with pytest.raises(Inexpressible, match="its words in `enum`") as refused:
        one_of(schema)
    assert refused.value.failure.param == "generationConfig.responseSchema"


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ('{"one_of":"good"}', "good"),
        ('"good"', "good"),
        ("good", "good"),
        ('{"one_of":', '{"one_of":'),
        ('{"other":1}', '{"other":1}'),
        ("7", "7"),
        ("", ""),
    ],
)
def test_the_word_is_told_alone_whole_and_streamed(said: str, word: str) -> None:
    assert bare(said) == word
    whole = with_bare_words(Answer("x", "m", 1, (Choice((Text(said),), "stop"),)))
    assert whole.choices[0].parts == ((Text(word),) if said else ())
    writer = BareWriter(gemini.StreamWriter("m", "r"))
    pieces = [TextDelta(letter) for letter in said]
    assert b"".join(map(writer.write, pieces)) == b""
    assert writer.write(Cited(Citation(0, 1, "https://a.example"))) == b""
    told = gemini.StreamReader().feed(writer.write(Finished("stop")) + writer.end())
    assert "".join(event.text for event in told if isinstance(event, TextDelta)) == word


def test_calls_stay_as_they_are() -> None:
    call = ToolCall("c", "f", "{}")
    whole = with_bare_words(Answer("x", "m", 1, (Choice((call,), "tool_calls"),)))
    assert whole.choices[0].parts == (call,)
