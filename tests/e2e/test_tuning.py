"""What only tunes and a model would refuse the whole request for: left out, named, and the request served."""

from collections.abc import Iterator

import pytest

from harness import Gateway, Simulator, http, running

HELLO = [{"role": "user", "content": "hello sim:tokens=2"}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("tuning")
    vendors = Simulator(folder)
    with running(vendors):
        started = Gateway(
            folder,
            f"""\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  openai: {{kind: openai, base_url: "{vendors.url}/v1", api_key: env:UPSTREAM_KEY}}
  anthropic: {{kind: anthropic, base_url: "{vendors.url}", zone: cloud, api_key: env:UPSTREAM_KEY}}
targets:
  thinker: {{provider: openai, model: gpt-5-mini}}
  claude: {{provider: anthropic, model: claude-haiku-4-5}}
routes:
  - {{name: thinker, when: {{model: thinker}}, use: thinker}}
  - {{name: claude, when: {{model: claude}}, use: claude}}
""",
        )
        with running(started):
            yield started


def test_a_model_that_reasons_is_asked_without_what_it_refuses(gateway: Gateway) -> None:
    body = {"model": "thinker", "max_tokens": 99, "messages": HELLO, "temperature": 0.2, "stop_sequences": ["END"]}
    status, headers, _ = http("POST", f"{gateway.v1}/messages", body, {"anthropic-version": "2023-06-01"})
    assert (status, headers["x-earthward-dropped"]) == (200, "temperature, stop_sequences")
    refused, _, answer = http("POST", f"{gateway.v1}/chat/completions", {**body, "model": "thinker"})
    assert refused == 400, "what passes through is the vendor's to refuse"
    assert b"max_completion_tokens" in answer


def test_what_is_too_hot_for_anthropic_is_cooled(gateway: Gateway) -> None:
    body = {"model": "claude", "messages": HELLO, "temperature": 1.7, "top_p": 0.9}
    status, headers, _ = http("POST", f"{gateway.v1}/chat/completions", body)
    assert (status, headers["x-earthward-dropped"]) == (200, "temperature, top_p")
