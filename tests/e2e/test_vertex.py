"""Vertex AI end to end: where its access tokens come from, what happens without one, and who may show which."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from google_cloud import on_a_machine_of_google_s, service_account, workload_identity
from harness import Gateway, Simulator, http, running, until

GEMINI = "/v1/projects/acme/locations/eu/publishers/google/models/gemini-2.5-flash:generateContent"
HELLO = {"contents": [{"role": "user", "parts": [{"text": "hello sim:tokens=2"}]}]}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("vertex"), "--bodies")
    with running(simulator):
        yield simulator


def config(url: str, settings: str, auth: str = "open", rest: str = "") -> str:
    return f"""\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: {auth}
providers:
  vertex: {{kind: vertex, base_url: "{url}", {settings}}}
  openai: {{kind: openai, base_url: "{url}/v1", api_key: env:UPSTREAM_KEY}}
targets:
  flash: {{provider: vertex, model: gemini-2.5-flash}}
  haiku: {{provider: vertex, model: claude-haiku-4-5@20251001}}
  mini: {{provider: openai, model: gpt-4o-mini}}
{rest or EVERYTHING}"""


EVERYTHING = """\
routes:
  - {name: flash, when: {model: "gemini-*"}, use: flash}
  - {name: haiku, when: {model: "claude-*"}, use: haiku}
"""


def digest_of(number: int) -> str:
    """What the simulator's log shows of its token of that number."""
    return sha256(f"ya29.simulated-{number}".encode()).hexdigest()[:12]


def shown_at(simulator: Simulator, path: str) -> list[str]:
    """The digests of the tokens that came with requests whose path has this in it."""
    log = json.loads(simulator.whole_log())
    return [dict(entry["headers"]).get("authorization", "") for entry in log if path in entry["path"]]


Source = Callable[[Path, str], tuple[str, dict[str, str]]]
SOURCES: dict[str, Source] = {
    "service account": lambda folder, url: (f", credentials: {service_account(folder, url)}", {}),
    "workload identity": lambda folder, url: (f", credentials: {workload_identity(folder, url)}", {}),
    "file named by Google's variable": lambda folder, url: (
        "",
        {"GOOGLE_APPLICATION_CREDENTIALS": str(service_account(folder, url))},
    ),
    "machine of Google's": lambda folder, url: ("", on_a_machine_of_google_s(url)),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_token_is_there_before_the_first_request(tmp_path: Path, simulator: Simulator, source: str) -> None:
    credentials, env = SOURCES[source](tmp_path, simulator.url)
    gateway = Gateway(tmp_path, config(simulator.url, f"project: acme, location: eu{credentials}"), env=env)
    with running(gateway):
        status, _, body = http("POST", gateway.url + GEMINI, HELLO)
        assert status == 200, gateway.log.read_text()
        assert json.loads(body)["candidates"][0]["content"]["parts"] == [{"text": "t0 t1"}]
        told: dict[str, Any] = gateway.chat("claude-x", "hello sim:tokens=2", max_tokens=10)[2]
        assert told["choices"][0]["message"]["content"] == "t0 t1", "Claude is there, too"
    shown = {shown_at(simulator, "publishers/google")[-1], shown_at(simulator, "publishers/anthropic")[-1]}
    assert len(shown) == 1, "one token for both"
    assert shown <= {f"Bearer sha256:{digest_of(number)}" for number in range(100)}
    assert "ya29" not in gateway.log.read_text()


def test_a_token_that_was_refused_is_renewed(tmp_path: Path, simulator: Simulator) -> None:
    credentials = f"project: acme, location: eu, credentials: {service_account(tmp_path, simulator.url)}"
    gateway = Gateway(tmp_path, config(simulator.url, credentials))
    with running(gateway):
        http("POST", gateway.url + GEMINI, HELLO)
        before = shown_at(simulator, "publishers/google")[-1]
        refused = {"contents": [{"role": "user", "parts": [{"text": "hello sim:fault=401"}]}]}
        status, _, body = http("POST", gateway.url + GEMINI, refused)
        assert (status, b"refused the gateway" in body) == (502, True), body

        def renewed() -> bool:
            http("POST", gateway.url + GEMINI, HELLO)
            return shown_at(simulator, "publishers/google")[-1] != before

        until(renewed, "another token")


def test_without_a_token_nothing_is_sent_there_and_another_target_serves(tmp_path: Path, simulator: Simulator) -> None:
    """The endpoint of tokens is nowhere: the gateway starts all the same, and says why in its log."""
    account = service_account(tmp_path, "http://127.0.0.1:9")
    routes = (
        "routes:\n  - {name: rescued, when: {model: rescued}, use: flash, fallback: [mini]}\n"
        "  - {name: alone, when: {model: alone}, use: flash}\n"
    )
    text = config(simulator.url, f"project: acme, credentials: {account}", rest=routes)
    gateway = Gateway(tmp_path, text)
    with running(gateway):
        before = len(shown_at(simulator, "publishers/google"))
        status, headers, told = gateway.chat("rescued", "hello sim:tokens=2")
        assert (status, headers["x-earthward-target"]) == (200, "mini")
        status, _, told = gateway.chat("alone")
        assert status == 502
        assert "no access token for provider vertex" in told["error"]["message"]
        assert len(shown_at(simulator, "publishers/google")) == before
    assert "Google gives no access token" in gateway.log.read_text()


def test_express_mode_has_a_key_and_no_project(tmp_path: Path, simulator: Simulator) -> None:
    routes = "routes: [{name: flash, use: flash}]\n"
    text = config(simulator.url, "api_key: env:UPSTREAM_KEY", rest=routes)
    text = "\n".join(line for line in text.splitlines() if "haiku" not in line)
    gateway = Gateway(tmp_path, text)
    with running(gateway):
        status, _, body = http("POST", gateway.url + "/v1/publishers/google/models/x:generateContent", HELLO)
        assert (status, json.loads(body)["modelVersion"]) == (200, "x")
    assert shown_at(simulator, "/v1/publishers/google/models/gemini-2.5-flash:generateContent")


def test_a_token_of_google_s_opens_nothing_of_the_gemini_api_and_is_shown_to_nobody(
    tmp_path: Path, simulator: Simulator
) -> None:
    """With `auth: passthrough` a key goes to its own vendor: not to one that speaks the same dialect."""
    text = f"""\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: passthrough
providers:
  gemini: {{kind: gemini, base_url: "{simulator.url}"}}
  openai: {{kind: openai, base_url: "{simulator.url}/v1"}}
targets:
  flash: {{provider: gemini, model: gemini-2.5-flash}}
  mini: {{provider: openai, model: gpt-4o-mini}}
routes:
  - {{name: flash, when: {{model: "gemini-*"}}, use: flash}}
  - {{name: mini, when: {{model: "gpt-*"}}, use: mini}}
"""
    gateway = Gateway(tmp_path, text)
    with running(gateway):
        own = f"{gateway.url}/v1beta/models/gemini-2.5-flash:generateContent"
        assert http("POST", own, HELLO, {"x-goog-api-key": "k"})[0] == 200
        astray = {"authorization": "Bearer ya29.astray"}
        assert http("POST", gateway.url + GEMINI, HELLO, astray)[0] in (403, 503)
        azure = f"{gateway.url}/openai/deployments/gpt-4o-mini/chat/completions?api-version=1"
        asked = {"messages": [{"role": "user", "content": "hi"}]}
        assert http("POST", azure, asked, {"api-key": "azure-astray"})[0] in (403, 503)
    assert b"astray" not in simulator.whole_log()


def test_counts_and_vectors_come_from_vertex_ai_too(tmp_path: Path, simulator: Simulator) -> None:
    credentials = f"project: acme, location: eu, credentials: {service_account(tmp_path, simulator.url)}"
    targets = "  vectors: {provider: vertex, model: text-embedding-005, abilities: [embeddings]}\n"
    routes = EVERYTHING + "  - {name: vectors, when: {model: text-embedding-005}, use: vectors}\n"
    gateway = Gateway(tmp_path, config(simulator.url, credentials, rest=targets + routes))
    with running(gateway):
        counted = http("POST", gateway.url + GEMINI.replace("generateContent", "countTokens"), HELLO)
        assert counted[0] == 200
        assert json.loads(counted[2])["totalTokens"] > 0
        asked = {"model": "text-embedding-005", "input": ["one", "two"]}
        status, _, body = http("POST", f"{gateway.v1}/embeddings", asked)
        assert (status, len(json.loads(body)["data"])) == (200, 2)
    assert shown_at(simulator, "gemini-2.5-flash:countTokens")
    assert shown_at(simulator, "/v1/projects/acme/locations/eu/publishers/google/models/text-embedding-005:predict")


VECTORS = """\
  old: {provider: vertex, model: gemini-embedding-001}
  new: {provider: vertex, model: gemini-embedding-2}
  other: {provider: vertex, model: e5-embed-maas}
routes:
  - {name: old, when: {model: gemini-embedding-001}, use: old}
  - {name: new, when: {model: gemini-embedding-2}, use: new}
  - {name: other, when: {model: e5-embed-maas}, use: other}
"""


@pytest.fixture(scope="module", params=["project", "express"])
def vectors(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, simulator: Simulator
) -> Iterator[tuple[Gateway, str]]:
    """With where the models are."""
    folder = tmp_path_factory.mktemp("vectors")
    if request.param == "project":
        settings = f"project: acme, location: eu, credentials: {service_account(folder, simulator.url)}"
        place = "/v1/projects/acme/locations/eu/publishers/google/models"
    else:
        settings, place = "api_key: env:UPSTREAM_KEY", "/v1/publishers/google/models"
    text = config(simulator.url, settings, rest=VECTORS)
    gateway = Gateway(folder, "\n".join(line for line in text.splitlines() if "haiku" not in line))
    with running(gateway):
        yield gateway, place


@pytest.mark.parametrize(
    ("model", "texts", "verb"),
    [
        ("gemini-embedding-001", ["one", "two"], "predict"),
        ("gemini-embedding-2", ["one"], "embedContent"),
        ("gemini-embedding-2", ["one", "two"], "batchEmbedContents"),
        ("e5-embed-maas", ["one"], "embedContent"),
    ],
)
def test_each_model_is_asked_for_vectors_in_the_form_it_knows(
    vectors: tuple[Gateway, str], simulator: Simulator, model: str, texts: list[str], verb: str
) -> None:
    gateway, place = vectors
    with openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0) as sdk:
        found = sdk.embeddings.create(model=model, input=texts, dimensions=64)
    assert [len(one.embedding) for one in found.data] == [64] * len(texts)
    assert found.usage.prompt_tokens > 0, "Vertex AI tells how many there were"
    assert seen(simulator)[-1]["path"] == f"{place}/{model}:{verb}"


def test_who_embeds_one_at_a_time_is_not_sent_several(vectors: tuple[Gateway, str]) -> None:
    asked = {"model": "e5-embed-maas", "input": ["one", "two"]}
    status, _, body = http("POST", f"{vectors[0].v1}/embeddings", asked)
    assert (status, b"one by one" in body) == (400, True), body


@pytest.mark.parametrize("model", ["gemini-embedding-2", "gemini-embedding-001"])
@pytest.mark.parametrize("several", [False, True])
def test_google_s_sdk_gets_vectors_of_vertex_ai_as_it_asks_for_them(
    vectors: tuple[Gateway, str], model: str, several: bool
) -> None:
    contents: Any = [types.Content(role="user", parts=[types.Part(text=text)]) for text in ("one", "two")]
    settings = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=64)
    options = types.HttpOptions(base_url=vectors[0].url)
    token = Credentials(token="unused")
    with genai.Client(vertexai=True, project="p", location="l", http_options=options, credentials=token) as sdk:
        found = sdk.models.embed_content(model=model, contents=contents if several else contents[0], config=settings)
    assert [len(one.values or ()) for one in found.embeddings or ()] == [64] * (2 if several else 1)


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("counting")
    credentials = f"project: acme, location: eu, credentials: {service_account(folder, simulator.url)}"
    targets = "  gone: {provider: vertex, model: claude-gone@1}\n"
    routes = EVERYTHING.replace("routes:\n", "routes:\n  - {name: gone, when: {model: gone}, use: gone}\n")
    gateway = Gateway(folder, config(simulator.url, credentials, rest=targets + routes))
    with running(gateway):
        yield gateway


ASKED: Any = {"system": "Be kind.", "messages": [{"role": "user", "content": "Name three animals."}]}


def test_claude_on_vertex_ai_counts_for_callers_of_every_dialect(counting: Gateway, simulator: Simulator) -> None:
    with anthropic.Anthropic(base_url=counting.url, api_key="unused", max_retries=0) as sdk:
        plain = sdk.messages.count_tokens(model="claude-haiku", **ASKED)
    with anthropic.AnthropicVertex(
        base_url=f"{counting.url}/v1", region="eu", project_id="acme", access_token="unused", max_retries=0
    ) as sdk:
        vertex = sdk.messages.count_tokens(model="claude-haiku", **ASKED)
    assert plain.input_tokens == vertex.input_tokens > 5
    path = "/v1/projects/acme/locations/eu/publishers/anthropic/models/count-tokens:rawPredict"
    sent = [json.loads(entry["body"]) for entry in seen(simulator) if entry["path"] == path]
    assert [body | ASKED for body in sent] == [
        {"anthropic_version": "vertex-2023-10-16", "model": "claude-haiku-4-5", **ASKED}
    ] * 2
    google = f"{counting.url}/v1beta/models/claude-haiku:countTokens"
    status, headers, body = http("POST", google, HELLO)
    assert (status, headers["x-earthward-count"]) == (200, "exact"), body


def test_what_claude_on_vertex_ai_cannot_count_is_estimated_and_speaks_against_nobody(counting: Gateway) -> None:
    for _ in range(8):
        status, headers, _ = http("POST", f"{counting.url}/v1/messages/count_tokens", {"model": "gone", **ASKED})
        assert (status, headers["x-earthward-count"]) == (200, "estimate")
    assert counting.chat("claude-x", "hello sim:tokens=2", max_tokens=10)[0] == 200


def seen(simulator: Simulator) -> list[dict[str, Any]]:
    return list(json.loads(simulator.whole_log()))
