"""Counting tokens in Anthropic's shape."""

import json

from canned_sdks import Canned, anthropic_client
from earthward.chat import ChatRequest, Failure, Message, OutputFormat, Role, Sampling, Text, Tool
from earthward.dialects.anthropic_messages import (
    count_at_vertex,
    count_request,
    read_count,
    read_request,
    write_count,
    write_request,
)


def test_the_sdk_asks_for_a_count_and_reads_it() -> None:
    canned = Canned(write_count(7))
    counted = anthropic_client(canned).messages.count_tokens(
        model="m",
        messages=[{"role": "user", "content": "Hi"}],
        system="Be kind.",
        tools=[{"name": "f", "input_schema": {"type": "object"}}],
    )
    assert counted.input_tokens == 7
    request = read_request(canned.requests[0].read())
    assert isinstance(request, ChatRequest)
    assert [message.text for message in request.messages] == ["Be kind.", "Hi"]
    assert request.tools == (Tool("f", parameters={"type": "object"}),)


def test_a_count_is_asked_for_without_what_shapes_the_answer() -> None:
    request = ChatRequest(
        "m",
        (Message(Role.SYSTEM, (Text("Be kind."),)), Message(Role.USER, (Text("Hi"),))),
        sampling=Sampling(temperature=1, stop=("x",)),
        max_tokens=5,
        output=OutputFormat("json", {}),
        stream=True,
        user="u",
    )
    written = write_request(request)
    assert isinstance(written, bytes)
    assert list(json.loads(count_request(written, "m"))) == ["model", "messages", "system"]
    assert read_count(b'{"input_tokens":12}') == 12


def test_what_is_no_count_is_malformed() -> None:
    for body in (b"", b"[]", b"{}", b'{"input_tokens":"x"}'):
        failure = read_count(body)
        assert isinstance(failure, Failure)
        assert failure.kind == "malformed"


def test_vertex_ai_is_told_of_the_model_without_the_version_of_its_name() -> None:
    asked = {"model": "claude-haiku-4-5@20251001", "messages": []}
    told = json.loads(count_at_vertex(json.dumps(asked).encode()))
    assert told == {"anthropic_version": "vertex-2023-10-16", "model": "claude-haiku-4-5", "messages": []}
    assert json.loads(count_at_vertex(b'{"model":"claude-x"}'))["model"] == "claude-x"
