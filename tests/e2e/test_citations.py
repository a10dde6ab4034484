"""What answers rest on, from each vendor's target to the official SDKs of all, whole and streamed."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from harness import Gateway, http
from vendors import before_one_of_each

TARGETS = ("openai", "responses", "anthropic", "gemini")
PAGES = [("https://example.com/1", "Page 1"), ("https://example.com/2", "Page 2")]
ASKED = "Hello. sim: tokens=4 cited=2"

Found = tuple[str, list[tuple[str, str]], list[str]]
"""The text, the pages it rests on, and the pieces that rest on them."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with before_one_of_each(tmp_path_factory.mktemp("citing"), TARGETS, zone="cloud") as (started, _):
        yield started


def _of_chat(text: str, annotations: Any) -> Found:
    cited = [note.url_citation for note in annotations or ()]
    return text, [(it.url, it.title) for it in cited], [text[it.start_index : it.end_index] for it in cited]


def chat(gateway: Gateway, target: str) -> Found:
    sdk = openai.OpenAI(base_url=gateway.v1, api_key="k", max_retries=0)
    said = sdk.chat.completions.create(model=target, messages=[{"role": "user", "content": ASKED}]).choices[0].message
    assert said.content is not None
    return _of_chat(said.content, said.annotations)


def chat_streamed(gateway: Gateway, target: str) -> Found:
    sdk = openai.OpenAI(base_url=gateway.v1, api_key="k", max_retries=0)
    with sdk.chat.completions.stream(model=target, messages=[{"role": "user", "content": ASKED}]) as stream:
        said = stream.get_final_completion().choices[0].message
    assert said.content is not None
    cited = [it.url_citation for it in said.annotations or ()]
    return (
        said.content,
        [(it.url, it.title) for it in cited],
        [said.content[it.start_index : it.end_index] for it in cited],
    )


def _of_response(response: Any) -> Found:
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    cited = [(part.text, note) for part in parts for note in part.annotations]
    pieces = [text[note.start_index : note.end_index] for text, note in cited]
    return response.output_text, [(note.url, note.title) for _, note in cited], pieces


def responses(gateway: Gateway, target: str) -> Found:
    sdk = openai.OpenAI(base_url=gateway.v1, api_key="k", max_retries=0)
    return _of_response(sdk.responses.create(model=target, input=ASKED))


def responses_streamed(gateway: Gateway, target: str) -> Found:
    sdk = openai.OpenAI(base_url=gateway.v1, api_key="k", max_retries=0)
    added = []
    with sdk.responses.stream(model=target, input=ASKED) as stream:
        for event in stream:
            if event.type == "response.output_text.annotation.added":
                added.append(event.annotation)
        found = _of_response(stream.get_final_response())
    assert [(note.url, note.title) for note in added] == found[1]
    return found


def _of_message(message: Any) -> Found:
    blocks = [block for block in message.content if block.type == "text"]
    cited = [(block.text, it) for block in blocks for it in block.citations or ()]
    return "".join(block.text for block in blocks), [(it.url, it.title) for _, it in cited], [text for text, _ in cited]


def messages(gateway: Gateway, target: str) -> Found:
    sdk = anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0)
    asked: Any = {"model": target, "max_tokens": 99, "messages": [{"role": "user", "content": ASKED}]}
    return _of_message(sdk.messages.create(**asked))


def messages_streamed(gateway: Gateway, target: str) -> Found:
    sdk = anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0)
    asked: Any = {"model": target, "max_tokens": 99, "messages": [{"role": "user", "content": ASKED}]}
    with sdk.messages.stream(**asked) as stream:
        return _of_message(stream.get_final_message())


def _of_candidate(text: str, metadata: Any) -> Found:
    found = [(chunk.web.uri, chunk.web.title) for chunk in metadata.grounding_chunks]
    pieces = [it.segment.text for it in metadata.grounding_supports for _ in it.grounding_chunk_indices]
    return text, found, pieces


def content(gateway: Gateway, target: str) -> Found:
    sdk = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=gateway.url))
    whole = sdk.models.generate_content(model=target, contents=ASKED)
    return _of_candidate(whole.text or "", whole.candidates[0].grounding_metadata)


def content_streamed(gateway: Gateway, target: str) -> Found:
    sdk = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=gateway.url))
    pieces = list(sdk.models.generate_content_stream(model=target, contents=ASKED))
    told = [it.candidates[0].grounding_metadata for it in pieces if it.candidates[0].grounding_metadata]
    assert len(told) == 1
    return _of_candidate("".join(piece.text or "" for piece in pieces), told[0])


CALLERS = (
    *(chat, chat_streamed, responses, responses_streamed),
    *(messages, messages_streamed, content, content_streamed),
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("caller", CALLERS, ids=lambda it: it.__name__)
def test_the_pages_that_an_answer_rests_on_reach_every_sdk(
    gateway: Gateway, caller: Callable[[Gateway, str], Found], target: str
) -> None:
    text, pages, pieces = caller(gateway, target)
    assert text
    assert pages == PAGES
    assert pieces == [text, text]


@pytest.mark.parametrize("target", TARGETS)
def test_a_caller_whose_dialect_has_no_word_for_pages_is_told_so(gateway: Gateway, target: str) -> None:
    body = {"model": target, "messages": [{"role": "user", "content": ASKED}], "stream": False}
    status, headers, answer = http("POST", f"{gateway.url}/api/chat", body)
    # Google also tells what it searched for.
    named = ["citations", *(["groundingMetadata.webSearchQueries"] if target == "gemini" else [])]
    assert (status, headers["x-earthward-dropped"]) == (200, ", ".join(named))
    assert "example.com" not in str(answer)
    assert json.loads(gateway.row(headers["x-earthward-id"])["dropped"]) == named


def test_of_a_stream_the_record_alone_can_tell(gateway: Gateway) -> None:
    slowly = f"{ASKED} gap=0.1"
    asked = {"model": "anthropic", "messages": [{"role": "user", "content": slowly}], "stream": True}
    _, headers, _ = http("POST", f"{gateway.url}/api/chat", asked)
    assert "x-earthward-dropped" not in headers
    assert gateway.row(headers["x-earthward-id"])["dropped"] == '["citations"]'


def test_what_was_cited_goes_back_in_the_next_turn(gateway: Gateway) -> None:
    """To Anthropic of its own what it had sealed, and nothing that it would refuse."""
    sdk = anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0)
    asked: list[Any] = [{"role": "user", "content": ASKED}]
    for target in ("openai", "gemini", "anthropic", "responses"):
        said = sdk.messages.create(model=target, max_tokens=99, messages=asked)
        asked += [{"role": "assistant", "content": said.content}, {"role": "user", "content": ASKED}]
        assert [it.url for block in said.content for it in block.citations or ()] == [url for url, _ in PAGES]
