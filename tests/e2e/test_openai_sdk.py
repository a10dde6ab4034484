"""OpenAI's own SDKs as clients; the simulator as the cloud."""

import json
import subprocess
from pathlib import Path

import openai
import pytest

from harness import KEY, until

JS = Path(__file__).parents[1] / "js"


def client(gateway, **options):
    return openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0, **options)


HELLO = [{"role": "user", "content": "hello"}]


def test_a_whole_answer_comes_through_and_names_the_model_that_was_asked_for(start, cloud):
    gateway = start(cloud)
    raw = client(gateway).chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-4o-mini"
    assert answer.usage.total_tokens > 0
    assert raw.headers["x-earthward-target"] == "mini"
    row = gateway.row(raw.headers["x-earthward-id"])
    assert (row["status"], row["route"], row["target"]) == ("ok", "trial", "mini")
    assert row["cost"] > 0
    (seen,) = [entry for entry in cloud.seen() if entry["path"] == "/v1/chat/completions"]
    assert "unused" not in json.dumps(seen), "the caller's key goes to nobody"


@pytest.mark.parametrize("asks_for_usage", [False, True])
def test_a_stream_comes_through_with_usage_only_if_it_was_asked_for(start, cloud, asks_for_usage):
    gateway = start(cloud)
    options = {"stream_options": {"include_usage": True}} if asks_for_usage else {}
    chunks = list(client(gateway).chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True, **options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert {chunk.model for chunk in chunks} == {"gpt-4o-mini"}
    assert bool([chunk for chunk in chunks if chunk.usage]) == asks_for_usage
    assert bool([chunk for chunk in chunks if not chunk.choices]) == asks_for_usage
    (row,) = gateway.rows(1)
    assert row["output_tokens"] > 0, "usage is heard whether the caller asked for it or not"
    assert 0 < row["first_content"] < row["duration"]


def test_tools_come_back_whole_and_in_pieces(start, cloud):
    gateway = start(cloud)
    cloud.script(default={"calls": 2})
    tools = [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        }
    ]
    answer = client(gateway).chat.completions.create(model="gpt-4o-mini", messages=HELLO, tools=tools)
    assert [call.function.name for call in answer.choices[0].message.tool_calls] == ["weather"] * 2
    assert answer.choices[0].finish_reason == "tool_calls"
    with client(gateway).chat.completions.stream(model="gpt-4o-mini", messages=HELLO, tools=tools) as stream:
        streamed = stream.get_final_completion()
    assert len(streamed.choices[0].message.tool_calls) == 2
    for call in streamed.choices[0].message.tool_calls:
        json.loads(call.function.arguments)


def test_the_models_list_shows_what_the_routes_offer(start, cloud):
    gateway = start(cloud)
    names = [model.id for model in client(gateway).models.list()]
    assert names
    assert client(gateway).models.retrieve(names[0]).id == names[0]
    with pytest.raises(openai.NotFoundError):
        client(gateway).models.retrieve("nobody-serves-this")


def test_errors_raise_the_sdks_own_classes(start, cloud):
    gateway = start(cloud)
    sdk = client(gateway)
    with pytest.raises(openai.NotFoundError, match="no route serves"):
        sdk.chat.completions.create(model="claude-x", messages=HELLO)
    with pytest.raises(openai.BadRequestError):
        sdk.post("/chat/completions", cast_to=object, body={"model": "gpt-4o-mini"})
    with pytest.raises(openai.NotFoundError, match="not served here"):
        sdk.post("/moderations", cast_to=object, body={"input": "x"})
    cloud.script(queue=[{"behaviour": {"fault": "429"}}])
    with pytest.raises(openai.RateLimitError):
        sdk.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    cloud.script(queue=[{"behaviour": {"fault": "401"}}])
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert KEY not in str(caught.value)


def test_a_caller_who_leaves_in_mid_stream_cancels_the_upstream(start, cloud):
    gateway = start(cloud)
    cloud.script(default={"tokens": 5000, "rate": 50})
    stream = client(gateway).chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)
    for _, chunk in zip(range(5), stream, strict=False):
        assert chunk.choices
    stream.close()
    entry = until(lambda: next((e for e in cloud.seen() if e["how"] == "cancelled"), None), "the cancel upstream")
    assert entry
    (row,) = gateway.rows(1)
    assert (row["status"], row["failure"]) == ("cancelled", "client_gone")


def test_the_javascript_sdk_gets_the_same(start, cloud):
    gateway = start(cloud)
    # The third answer is left in its middle, and lasts long enough for that.
    twice = [{"behaviour": {"tokens": 20}, "times": 2}]
    cloud.script(default={"tokens": 5000, "rate": 50}, queue=twice)
    node = Path(__file__).parents[2] / ".venv" / "bin" / "node"
    assert node.exists(), "run `make setup`: Node comes from a wheel"
    run = subprocess.run(
        [node, "chat.mjs", gateway.v1], cwd=JS, capture_output=True, text=True, timeout=250, check=False
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["whole"]
    assert told["streamed"] == told["whole"]
    assert told["models"]
    assert told["error"] == {"name": "NotFoundError", "status": 404}
    assert told["cancelledAfter"] == 3
    until(lambda: any(e["how"] == "cancelled" for e in cloud.seen()), "the cancel upstream")
