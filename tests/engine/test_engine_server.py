"""What the engine promises an OpenAI client, asked with OpenAI's own SDK and answered by a real model."""

import http.client
import json
import time
import urllib.request
from urllib.parse import urlsplit

import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam
from openai.types.shared_params import ResponseFormatJSONSchema

from earthward.engine import Ready
from earthward.engine.server import default_threads

QUESTION: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": "Name three colours."}]


def test_a_whole_answer_has_text_usage_and_the_models_name(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="smollm2", messages=QUESTION, max_tokens=12, temperature=0)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.model == "smollm2"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12


def test_a_streamed_answer_spells_the_whole_one(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="smollm2", messages=QUESTION, max_tokens=12, temperature=0)
    chunks = list(
        client.chat.completions.create(
            model="smollm2",
            messages=QUESTION,
            max_tokens=12,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 12


def test_an_answer_obeys_a_json_schema(client: openai.OpenAI) -> None:
    colour: ResponseFormatJSONSchema = {
        "type": "json_schema",
        "json_schema": {
            "name": "colour",
            "schema": {
                "type": "object",
                "properties": {"colour": {"enum": ["red", "green"]}, "warm": {"type": "boolean"}},
                "required": ["colour", "warm"],
                "additionalProperties": False,
            },
        },
    }
    answer = client.chat.completions.create(
        model="smollm2", messages=QUESTION, max_tokens=32, temperature=0, response_format=colour
    )
    said = json.loads(answer.choices[0].message.content or "")
    assert said["colour"] in {"red", "green"}
    assert isinstance(said["warm"], bool)


def test_the_list_of_models_has_the_name_it_was_given(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["smollm2"]


def test_a_prompt_beyond_the_context_is_refused_not_cut(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="context"):
        client.chat.completions.create(model="smollm2", messages=[{"role": "user", "content": "word " * 3000}])


def test_a_client_that_leaves_stops_the_generation(client: openai.OpenAI, engine: Ready) -> None:
    before = metric(engine, "tokens_predicted_total")
    stream = client.chat.completions.create(
        model="smollm2", messages=QUESTION, max_tokens=1900, stream=True, extra_body={"ignore_eos": True}
    )
    for _ in range(3):
        next(stream)
    assert metric(engine, "requests_processing") == 1
    stream.close()
    deadline = time.monotonic() + 30
    while metric(engine, "requests_processing"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert metric(engine, "tokens_predicted_total") - before < 1000, "it went on talking to nobody"


def test_no_other_web_site_may_read_its_answers(engine: Ready) -> None:
    address = urlsplit(engine.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=90)
    connection.request("GET", "/v1/models", headers={"Origin": "http://elsewhere.example"})
    allowed = connection.getresponse().getheader("Access-Control-Allow-Origin")
    connection.close()
    assert not allowed


def metric(engine: Ready, name: str) -> float:
    with urllib.request.urlopen(f"{engine.url}/metrics", timeout=90) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"llamacpp:{name} ")))


def test_some_cores_are_left_to_the_gateway_but_there_is_always_one_thread() -> None:
    assert [default_threads(cores) for cores in (1, 2, 4, 16)] == [1, 1, 2, 8]
