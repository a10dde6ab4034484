"""OpenAI's completions and responses, and Google's generateContent, by the vendors' own SDKs, on a target that speaks
none of them.
"""

import openai
import pytest
from google import genai
from google.genai import errors, types

from harness import KEY

WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def of_openai(gateway):
    return openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0)


def of_google(gateway):
    return genai.Client(api_key="unused", http_options=types.HttpOptions(base_url=gateway.url))


def test_a_completion_comes_whole_and_streamed(start, cloud):
    gateway = start(cloud)
    sdk = of_openai(gateway)
    whole = sdk.completions.create(model="gpt-4o-mini", prompt="Hello. sim: tokens=4", max_tokens=9)
    assert whole.choices[0].text
    assert (whole.model, whole.choices[0].finish_reason) == ("gpt-4o-mini", "stop")
    assert whole.usage.total_tokens > 0
    chunks = list(sdk.completions.create(model="gpt-4o-mini", prompt="Hello. sim: tokens=4", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole.choices[0].text
    first, second = gateway.rows(2)
    assert {first["dialect"], second["dialect"]} == {"openai_completions"}
    assert first["upstream_dialect"] == "openai_chat"


def test_a_response_comes_whole_streamed_and_with_calls(start, cloud):
    gateway = start(cloud)
    sdk = of_openai(gateway)
    whole = sdk.responses.create(model="gpt-4o-mini", input="Hello. sim: tokens=4", instructions="Be kind.")
    assert whole.output_text
    assert (whole.status, whole.model, whole.store) == ("completed", "gpt-4o-mini", False)
    assert whole.usage.output_tokens > 0
    with sdk.responses.stream(model="gpt-4o-mini", input="Hello. sim: tokens=4") as stream:
        assert stream.get_final_response().output_text == whole.output_text
    cloud.script(default={"calls": 2})
    called = sdk.responses.create(model="gpt-4o-mini", input="Hello", tools=[WEATHER])
    assert [item.name for item in called.output if item.type == "function_call"] == ["weather"] * 2


def test_a_response_that_goes_on_from_one_that_nobody_kept_is_refused_with_the_way_out(start, cloud):
    gateway = start(cloud)
    with pytest.raises(openai.BadRequestError, match="send the whole conversation in `input`"):
        of_openai(gateway).responses.create(model="gpt-4o-mini", input="x", previous_response_id="resp_1")
    with pytest.raises(openai.BadRequestError, match="background"):
        of_openai(gateway).responses.create(model="gpt-4o-mini", input="x", background=True)
    assert not [entry for entry in cloud.seen() if entry["path"].endswith("completions")]


def test_a_broken_response_stream_ends_in_an_error_and_not_in_silence(start, cloud):
    gateway = start(cloud)
    cloud.script(default={"fault": "reset_mid_body", "tokens": 50, "rate": 400})
    with pytest.raises(openai.APIError):
        for _ in of_openai(gateway).responses.create(model="gpt-4o-mini", input="Hello", stream=True):
            pass
    (row,) = gateway.rows(1)
    assert (row["status"], row["failure"]) == ("failed", "broken_stream")


def test_google_s_sdk_gets_text_streams_calls_and_models(start, cloud):
    gateway = start(cloud)
    sdk = of_google(gateway)
    whole = sdk.models.generate_content(model="gpt-4o-mini", contents="Hello. sim: tokens=4")
    assert whole.text
    assert whole.model_version == "gpt-4o-mini"
    assert whole.usage_metadata.total_token_count > 0
    pieces = list(sdk.models.generate_content_stream(model="gpt-4o-mini", contents="Hello. sim: tokens=4"))
    assert "".join(piece.text or "" for piece in pieces) == whole.text
    cloud.script(default={"calls": 2})
    declared = types.FunctionDeclaration(name="weather", parameters_json_schema=WEATHER["parameters"])
    called = sdk.models.generate_content(
        model="gpt-4o-mini",
        contents="Hello",
        config=types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])]),
    )
    assert [call.name for call in called.function_calls] == ["weather"] * 2
    names = [model.name for model in sdk.models.list()]
    assert names
    assert sdk.models.get(model=names[0]).name == names[0]
    assert KEY not in str(called)


def test_google_s_sdk_raises_its_own_errors(start, cloud):
    gateway = start(cloud)
    sdk = of_google(gateway)
    with pytest.raises(errors.ClientError) as missing:
        sdk.models.generate_content(model="nobody", contents="Hello")
    assert missing.value.code == 404
    cloud.script(queue=[{"behaviour": {"fault": "429"}}])
    with pytest.raises(errors.ClientError) as limited:
        sdk.models.generate_content(model="gpt-4o-mini", contents="Hello")
    assert limited.value.code == 429
    cloud.script(default={"fault": "reset_mid_body", "tokens": 50, "rate": 400})
    with pytest.raises(errors.APIError):
        list(sdk.models.generate_content_stream(model="gpt-4o-mini", contents="Hello"))


def test_at_vertex_ai_s_paths_the_models_are_listed_and_shown_as_vertex_ai_does(start, cloud):
    gateway = start(cloud)
    options = types.HttpOptions(base_url=gateway.url)
    with genai.Client(vertexai=True, api_key="unused", http_options=options) as sdk:
        names = [model.name for model in sdk.models.list()]
        assert names
        assert all(name.startswith("publishers/google/models/") for name in names)
        assert sdk.models.get(model="gpt-4o-mini").name == "publishers/google/models/gpt-4o-mini"
        with pytest.raises(errors.ClientError, match="no route serves the model"):
            sdk.models.get(model="nothing")


def test_google_s_sdk_gets_one_word_of_a_few_bare(start, cloud):
    gateway = start(cloud)
    sdk = of_google(gateway)
    moods = types.Schema(type=types.Type.STRING, enum=["good", "bad"])
    config = types.GenerateContentConfig(response_mime_type="text/x.enum", response_schema=moods)
    whole = sdk.models.generate_content(model="gpt-4o-mini", contents="How?", config=config)
    assert whole.text in ("good", "bad")
    pieces = list(sdk.models.generate_content_stream(model="gpt-4o-mini", contents="How?", config=config))
    assert "".join(piece.text or "" for piece in pieces) == whole.text
    with pytest.raises(errors.ClientError, match="its words in `enum`"):
        wordless = types.GenerateContentConfig(response_mime_type="text/x.enum")
        sdk.models.generate_content(model="gpt-4o-mini", contents="How?", config=wordless)
