"""Embeddings by the vendors' own SDKs, at OpenAI's API and at an Ollama, whoever asks."""

import base64
import contextlib
import json
import math
import struct

import ollama
import openai
import pytest
from google import genai
from google.genai import types

from harness import Gateway, Simulator, http

CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  cloud: {{kind: openai, base_url: "{cloud}/v1", api_key: env:UPSTREAM_KEY}}
  house: {{kind: ollama, base_url: "{house}"}}
  google: {{kind: gemini, base_url: "{cloud}", api_key: env:UPSTREAM_KEY}}
  azure: {{kind: azure, base_url: "{cloud}", api_key: env:UPSTREAM_KEY}}
  older_azure: {{kind: azure, base_url: "{cloud}", api_key: env:UPSTREAM_KEY, api_version: "2024-10-21"}}
targets:
  mini: {{provider: cloud, model: gpt-4o-mini}}
  llama: {{provider: house, model: "llama3.2:latest"}}
  small: {{provider: cloud, model: text-embedding-3-small}}
  nomic: {{provider: house, model: nomic-embed-text, context: 2048, price: {{input: 1, output: 0}}}}
  dense: {{provider: house, model: dense-embed, context: 2048}}
  gecko: {{provider: google, model: gemini-embedding-001}}
  west: {{provider: azure, model: text-embedding-3-small}}
  east: {{provider: older_azure, model: text-embedding-3-large}}
routes:
  - {{name: dense, when: {{model: dense}}, use: dense}}
  - {{name: west, when: {{model: west}}, use: west}}
  - {{name: east, when: {{model: east}}, use: east}}
  - {{name: google-vectors, when: {{model: gemini-embedding-001}}, use: gecko}}
  - {{name: cloud-vectors, when: {{model: text-embedding-*}}, use: small}}
  - {{name: vectors, when: {{needs: embeddings}}, baseline: nomic, candidate: llama, share: 50%}}
  - {{name: chats, baseline: mini, candidate: llama, share: 50%}}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    dense = {"name": "dense-embed", "capabilities": ["embedding"], "options": {"num_batch": 64}}
    disk = ("--disk", json.dumps(dense), "--disk", "nomic-embed-text", "--disk", "llama3.2")
    simulator = Simulator(tmp_path_factory.mktemp("house"), *disk, name="house")
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, house):
    """With the same simulator as vendor and as host."""
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), CONFIG.format(cloud=house.url, house=house.url))
    yield gateway
    gateway.stop()


def length(vector):
    return math.sqrt(sum(number * number for number in vector))


def test_the_sdk_of_openai_gets_vectors_of_an_ollama(sdk):
    found = sdk.embeddings.create(model="nomic", input=["one", "two"])
    assert [one.index for one in found.data] == [0, 1]
    assert found.model == "nomic"
    assert len(found.data[0].embedding) == 768
    assert length(found.data[0].embedding) == pytest.approx(1, abs=1e-3)
    assert found.data[0].embedding != found.data[1].embedding
    assert found.usage.prompt_tokens == found.usage.total_tokens > 0
    plain = sdk.embeddings.create(model="nomic", input="one", encoding_format="float", dimensions=256)
    assert len(plain.data[0].embedding) == 256


def test_vectors_as_base64_are_little_endian_numbers_of_32_bits(gateway):
    body = {"model": "nomic", "input": "one"}
    plain = json.loads(http("POST", f"{gateway.v1}/embeddings", body)[2])["data"][0]["embedding"]
    packed = json.loads(http("POST", f"{gateway.v1}/embeddings", {**body, "encoding_format": "base64"})[2])
    data = base64.b64decode(packed["data"][0]["embedding"])
    assert struct.unpack(f"<{len(plain)}f", data) == pytest.approx(plain, rel=1e-6)


def test_between_two_who_speak_the_same_tokens_pass_as_numbers(gateway):
    body = {"model": "text-embedding-3-small", "input": [[1, 2, 3], [4, 5]]}
    status, headers, answer = http("POST", f"{gateway.v1}/embeddings", body)
    assert status == 200, answer
    assert answer.count(b'"object":"embedding"') == 2
    assert headers["x-earthward-target"] == "small"


def test_tokens_as_numbers_are_refused_where_another_model_would_read_them(sdk):
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False") as error:
        sdk.embeddings.create(model="nomic", input=[[1, 2, 3]])
    assert error.value.param == "input"


def test_the_sdk_of_ollama_gets_vectors_by_both_of_its_calls(gateway):
    with contextlib.closing(ollama.Client(host=gateway.url)) as client:
        found = client.embed(model="nomic", input=["one", "two"])
        older = client.embeddings(model="nomic", prompt="one")
    assert found.model == "nomic"
    assert len(found.embeddings) == 2
    assert found.prompt_eval_count > 0
    assert list(older.embedding) == pytest.approx(list(found.embeddings[0]), rel=1e-9)


def test_a_call_without_a_text_wants_the_model_loaded_and_asks_nobody(gateway, house):
    before = len(house.asked())
    status, _, answer = http("POST", f"{gateway.url}/api/embed", {"model": "nomic"})
    assert (status, answer) == (200, b'{"model":"nomic","embeddings":[]}')
    assert len(house.asked()) == before


def test_the_sdk_of_google_gets_vectors(gateway):
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=64)
    with genai.Client(api_key="unused", http_options=types.HttpOptions(base_url=gateway.url)) as sdk:
        found = sdk.models.embed_content(model="nomic", contents=["one", "two"], config=config)
    assert [len(one.values) for one in found.embeddings] == [64, 64]


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/v1beta/models/nomic:embedContent", {"content": {"parts": [{"text": "one"}]}}, "embedding"),
        (
            "/v1/projects/p/locations/l/publishers/google/models/nomic:predict",
            {"instances": [{"content": "a"}]},
            "predictions",
        ),
        (
            "/v1/models/nomic:batchEmbedContents",
            {"requests": [{"model": "models/nomic", "content": {"parts": [{"text": "one"}]}}]},
            "embeddings",
        ),
    ],
)
def test_each_of_googles_paths_answers_in_its_own_form(gateway, path, body, where):
    status, headers, answer = http("POST", gateway.url + path, body)
    assert status == 200, answer
    assert f'"{where}"'.encode() in answer
    assert headers["x-earthward-target"] == "nomic"


def test_a_model_for_vectors_is_loaded_as_such(gateway, house):
    http("POST", f"{gateway.v1}/embeddings", {"model": "nomic", "input": "one"})
    loads = [it["path"] for it in house.seen() if it["path"] in ("/api/embed", "/api/generate")]
    assert loads
    assert set(loads) == {"/api/embed"}
    assert "could not load" not in gateway.log.read_text()


def test_texts_are_never_cut_without_a_word(gateway, house):
    http("POST", f"{gateway.v1}/embeddings", {"model": "nomic", "input": "one"})
    assert [one for one in house.seen() if one["path"] == "/api/embed"][-1]["status"] == 200
    status, _, answer = http("POST", f"{gateway.v1}/embeddings", {"model": "nomic", "input": "word " * 9000})
    assert status == 400
    assert b"context_length_exceeded" in answer


@pytest.mark.parametrize("cuts", [{}, {"truncate": True}])
def test_gotcha_57_a_text_that_fits_into_no_batch_is_too_long_in_the_callers_words(gateway, sdk, cuts):
    assert len(sdk.embeddings.create(model="dense", input="word " * 20).data) == 1
    text = "word " * 200
    with pytest.raises(openai.BadRequestError, match="too large to process") as error:
        sdk.embeddings.create(model="dense", input=["short", text], extra_body=cuts)
    assert error.value.code == "context_length_exceeded"
    status, _, answer = http("POST", f"{gateway.url}/api/embed", {"model": "dense", "input": text, **cuts})
    assert (status, "too large to process" in json.loads(answer)["error"]) == (400, True)


def test_vectors_follow_no_share_of_chats(gateway):
    """Half of all chats go to the candidate; whoever asks for vectors gets those of the one model that gives them."""
    for number in range(20):
        status, headers, answer = http(
            "POST", f"{gateway.v1}/embeddings", {"model": "nomic", "input": f"text {number}"}
        )
        assert (status, headers["x-earthward-target"], headers["x-earthward-arm"]) == (200, "nomic", "only"), answer


def test_vectors_are_on_record_with_tokens_and_price(gateway):
    _, headers, answer = http("POST", f"{gateway.v1}/embeddings", {"model": "nomic", "input": "some words of a text"})
    row = gateway.row(headers["x-earthward-id"])
    tokens = openai.types.CreateEmbeddingResponse.model_validate_json(answer).usage.prompt_tokens
    assert (row["dialect"], row["upstream_dialect"], row["input_tokens"], row["output_tokens"]) == (
        "openai_embeddings",
        "ollama",
        tokens,
        0,
    )
    assert row["cost"] == tokens * 1000
    assert row["usage_sources"][0] == "r"


BROKEN = (
    *(b"[]", b"{}", b'{"model":7,"input":"x"}', b'{"model":"nomic"}', b'{"model":"nomic","input":[]}'),
    *(b'{"model":"nomic","input":[1,"a"]}', b'{"model":"nomic","input":{"a":1}}', b'{"model":"nomic","input":"\xff"}'),
)


@pytest.mark.parametrize("body", BROKEN)
def test_what_is_no_request_for_vectors_is_refused_in_the_callers_words(gateway, body):
    status, _, answer = http("POST", f"{gateway.v1}/embeddings", body)
    assert status == 400
    assert b'"type":"invalid_request_error"' in answer


def test_everybody_gets_vectors_of_googles(gateway, sdk):
    found = sdk.embeddings.create(model="gemini-embedding-001", input=["one", "two"], dimensions=16)
    assert [len(one.embedding) for one in found.data] == [16, 16]
    body = {"model": "gemini-embedding-001", "input": "one"}
    _, headers, answer = http("POST", f"{gateway.url}/api/embed", body)
    assert headers["x-earthward-target"] == "gecko"
    assert len(json.loads(answer)["embeddings"]) == 1
    row = gateway.row(headers["x-earthward-id"])
    assert (row["upstream_dialect"], row["usage_sources"][0]) == ("gemini", "e")


@pytest.fixture(params=["deployments", "v1"])
def azure(gateway, request):
    """Azure's client, as it calls resources of before and of today."""
    if request.param == "v1":
        client = openai.OpenAI(base_url=f"{gateway.url}/openai/v1/", api_key="unused", max_retries=0)
    else:
        client = openai.AzureOpenAI(
            azure_endpoint=gateway.url, api_version="2024-10-21", api_key="unused", max_retries=0
        )
    with client as sdk:
        yield sdk


@pytest.mark.parametrize(
    ("model", "path", "width"),
    [
        ("nomic", "/api/embed", 768),
        ("west", "/openai/v1/embeddings", 1536),
        ("east", "/openai/deployments/text-embedding-3-large/embeddings", 3072),
        ("gemini-embedding-001", "/v1beta/models/gemini-embedding-001:batchEmbedContents", 768),
    ],
)
def test_the_client_of_azure_gets_vectors_of_every_target(azure, house, model, path, width):
    found = azure.embeddings.create(model=model, input=["one", "two"])
    assert [one.index for one in found.data] == [0, 1]
    assert (found.model, len(found.data[0].embedding)) == (model, width)
    # The gateway looks at its hosts meanwhile.
    assert [seen["path"] for seen in house.seen() if seen["path"] != "/api/ps"][-1].partition("?")[0] == path


def test_the_client_of_azure_is_told_of_errors_in_its_own_words(azure):
    with pytest.raises(openai.BadRequestError) as error:
        azure.embeddings.create(model="nomic", input="word " * 9000)
    assert error.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False"):
        azure.embeddings.create(model="nomic", input=[[1, 2, 3]])
