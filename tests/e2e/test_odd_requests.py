"""Requests that no SDK would send, at every path and every kind of target: whatever comes, the gateway has an answer.

They are drawn with a seed that never changes, out of what SDKs do send.
"""

import json
import random

import pytest

from every_dialect import DIALECTS, mutated, spelt, torn
from google_cloud import service_account
from harness import Gateway, http, running
from vendors import CLOUDS, MODELS, cloud, cloud_target, provider, simulator

CASES = 200
PATHS = {
    "openai_chat": ("/v1/chat/completions", "/openai/deployments/{}/chat/completions"),
    "openai_completions": ("/v1/completions", "/openai/v1/completions"),
    "openai_responses": ("/v1/responses", "/v1/responses/input_tokens"),
    "anthropic_messages": (
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/projects/p/locations/l/publishers/anthropic/models/{}:rawPredict",
    ),
    "gemini": tuple(
        f"/v1beta/models/{{}}:{verb}" for verb in ("generateContent", "streamGenerateContent", "countTokens")
    ),
    "ollama": ("/api/chat", "/api/generate"),
}
VECTORS = (
    *("/v1/embeddings", "/openai/deployments/{}/embeddings", "/api/embed", "/api/embeddings"),
    *("/v1beta/models/{}:embedContent", "/v1beta/models/{}:batchEmbedContents"),
    "/v1/publishers/google/models/{}:predict",
)
ASKS_FOR_VECTORS = (
    {"model": "", "input": ["a", "b"], "dimensions": 3},
    {"model": "", "prompt": "a"},
    {"requests": [{"content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING"}]},
    {"content": {"parts": [{"text": "a"}]}},
    {"instances": [{"content": "a"}]},
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """With one stand-in for all vendors."""
    folder = tmp_path_factory.mktemp("odd")
    stand_in = simulator(folder, "vendors", "--disk", "nomic-embed-text")
    with running(stand_in):
        url, account = stand_in.url, service_account(folder, stand_in.url)
        lines = ["listen: 127.0.0.1:0", "admin: 127.0.0.1:0", "auth: open", "providers:"]
        lines += [f"  {name}: {provider(name, url, 'local')}" for name in MODELS]
        lines += [f"  {name}: {cloud(name, url, account)}" for name in CLOUDS]
        lines += ["targets:", "  nomic: {provider: ollama, model: nomic-embed-text, context: 2048}"]
        lines += [f"  {name}: {{provider: {name}, model: {MODELS[name]}}}" for name in MODELS]
        lines += [f"  {name}: {cloud_target(name, name)}" for name in CLOUDS]
        lines += ["routes:", "  - {name: vectors, when: {needs: embeddings}, use: nomic}"]
        lines += [f"  - {{name: {name}, when: {{model: {name}}}, use: {name}}}" for name in (*MODELS, *CLOUDS)]
        gateway = Gateway(folder, "\n".join(lines))
        with running(gateway):
            yield gateway


def drawn(chance):
    """A path and a body."""
    name = chance.choice((*MODELS, *CLOUDS))
    if chance.random() < 0.2:
        path, asked = chance.choice(VECTORS), dict(chance.choice(ASKS_FOR_VECTORS))
    else:
        dialect = chance.choice(DIALECTS)
        path, asked = chance.choice(PATHS[dialect.name]), json.loads(chance.choice(dialect.golden_requests()))
    if "model" in asked:
        asked["model"] = name
    body = spelt(mutated(asked, chance) if chance.random() < 0.8 else asked)
    return path.format(name), torn(body, chance) if chance.random() < 0.05 else body


def test_every_odd_request_has_an_answer_and_none_is_an_error_of_the_gateways_own(gateway):
    for case in range(CASES):
        path, body = drawn(random.Random(f"odd {case}"))
        status, _, answer = http("POST", gateway.url + path, body)
        told = f"case {case}: {path} {body!r} {answer!r}"
        assert b"the gateway failed" not in answer, told
        assert status == 200 or b'"error"' in answer, told
    assert "error of our own" not in gateway.log.read_text()
