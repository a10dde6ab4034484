"""A target's 400, for callers and targets of each dialect: in the caller's shape and words, with what the target said,
and with nothing of where the target is."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest

from callers import DIALECTS
from google_cloud import service_account
from harness import KEY, Gateway, Simulator, http, running
from vendors import CLOUDS, MODELS, cloud, cloud_target, one_of_each, provider

TARGETS = (*DIALECTS, *CLOUDS)
SPEAKS = {"vertex": "anthropic", "azure": "openai"}
TITLES = {
    "openai": "OpenAI chat",
    "anthropic": "Anthropic",
    "ollama": "Ollama",
    "gemini": "Gemini",
    "responses": "OpenAI responses",
}
SAYS = {
    "openai": "The request was malformed.",
    "responses": "The request was malformed.",
    "anthropic": "messages: Input is malformed",
    "gemini": "Request contains an invalid argument.",
    "ollama": "json: cannot unmarshal array into Go struct field ChatRequest.model of type string",
}
"""What a target of this dialect says of a request that it can't read."""
INSIDE = {
    "x-upstream-host": "gpu-7.internal",
    "server": "gpu-7.internal",
    "location": "http://gpu-7.internal/",
    "set-cookie": "session=gpu-7.internal",
    "openai-organization": "gpu-7.internal",
    "anthropic-organization-id": "gpu-7.internal",
}


class Caller(NamedTuple):
    """How it asks, and where in its request the cap on the answer stands. `{}` in a path is the model."""

    path: str
    streamed: str
    body: dict[str, Any]
    said: tuple[str | int, ...]
    cap: str


def _said(field: str) -> dict[str, Any]:
    return {field: [{"role": "user", "content": ""}]}


CALLERS = {
    "openai": Caller(
        "/v1/chat/completions", "", _said("messages"), ("messages", 0, "content"), "max_completion_tokens"
    ),
    "completions": Caller("/v1/completions", "", {}, ("prompt",), "max_tokens"),
    "responses": Caller("/v1/responses", "", _said("input"), ("input", 0, "content"), "max_output_tokens"),
    "anthropic": Caller("/v1/messages", "", _said("messages"), ("messages", 0, "content"), "max_tokens"),
    "gemini": Caller(
        "/v1beta/models/{}:generateContent",
        "/v1beta/models/{}:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": ""}]}]},
        ("contents", 0, "parts", 0, "text"),
        "generationConfig.maxOutputTokens",
    ),
    "ollama": Caller("/api/chat", "", _said("messages"), ("messages", 0, "content"), "options.num_predict"),
}
every_pair = pytest.mark.parametrize(("caller", "target"), list(product(CALLERS, TARGETS)), ids=lambda name: name)


class Refused(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Stage(NamedTuple):
    gateway: Gateway
    vendors: dict[str, Simulator]

    def refused(self, caller: str, target: str, script: dict[str, Any], stream: bool = False, cap: int = 9) -> Refused:
        asked = CALLERS[caller]
        body = json.loads(json.dumps(asked.body))
        _put(body, asked.said, f"Hello. sim:{json.dumps(script)}")
        _put(body, tuple(asked.cap.split(".")), cap)
        if caller != "gemini":
            body |= {"model": target, "stream": stream}
        path = asked.streamed if stream and asked.streamed else asked.path
        return Refused(*http("POST", self.gateway.url + path.format(target), body))


def _put(body: dict[str, Any], place: tuple[str | int, ...], value: Any) -> None:
    inner: Any = body
    for step in place[:-1]:
        inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
    inner[place[-1]] = value


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("refusals")
    with one_of_each(folder, "sim", TARGETS) as vendors:
        account = service_account(folder, vendors["openai"].url)
        lines = ["listen: 127.0.0.1:0", "admin: 127.0.0.1:0", "auth: open", "providers:"]
        lines += [f"  at-{dialect}: {provider(dialect, vendors[dialect].url, 'cloud')}" for dialect in DIALECTS]
        lines += [f"  at-{name}: {cloud(name, vendors[name].url, account)}" for name in CLOUDS]
        lines.append("targets:")
        lines += [f"  {dialect}: {{provider: at-{dialect}, model: {MODELS[dialect]}}}" for dialect in DIALECTS]
        lines += [f"  {name}: {cloud_target(name, f'at-{name}')}" for name in CLOUDS]
        lines.append("routes:")
        lines += [f"  - {{name: {name}, when: {{model: {name}}}, use: {name}}}" for name in TARGETS]
        gateway = Gateway(folder, "\n".join(lines))
        with running(gateway):
            yield Stage(gateway, vendors)


def _message(caller: str, refused: Refused) -> str:
    """What the error says. Fails if it has not the shape of the caller's dialect."""
    told = json.loads(refused.body)
    error = told["error"]
    match caller:
        case "ollama":
            assert set(told) == {"error"}
            return str(error)
        case "anthropic":
            assert (told["type"], error["type"]) == ("error", "invalid_request_error")
            assert refused.headers["request-id"] == told["request_id"]
        case "gemini":
            assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
        case _:
            assert set(error) == {"message", "type", "param", "code"}
            assert error["type"] == "invalid_request_error"
            assert refused.headers["x-request-id"] == refused.headers["x-earthward-id"]
    return str(error["message"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@every_pair
def test_a_refusal_has_the_callers_shape_and_the_targets_words(
    stage: Stage, caller: str, target: str, stream: bool
) -> None:
    refused = stage.refused(caller, target, {"fault": "400"}, stream)
    assert refused.status == 400
    message, dialect = _message(caller, refused), SPEAKS.get(target, target)
    assert SAYS[dialect] in message
    assert (f"the target, which speaks {TITLES[dialect]}, refused the request" in message) is (caller != dialect)
    assert caller == "ollama" or refused.headers.get("x-should-retry", "false") == "false"


@every_pair
def test_a_refusal_tells_nothing_of_where_the_target_is(stage: Stage, caller: str, target: str) -> None:
    refused = stage.refused(caller, target, {"fault": "400", "headers": INSIDE})
    assert refused.status == 400
    told = json.dumps(refused.headers).encode() + refused.body
    secrets = ("gpu-7.internal", "127.0.0.1", str(stage.vendors[target].port), KEY, f"at-{target}", "acme")
    assert [secret for secret in secrets if secret.encode() in told] == []


CAPS = {"openai": "max_completion_tokens", "responses": "max_output_tokens", "anthropic": "max_tokens"}
CAPS |= {"gemini": "generation_config.max_output_tokens"}
"""What the target calls the cap, where it refuses one of nothing."""


@pytest.mark.parametrize(
    ("caller", "target"), list(product(CALLERS, [it for it in TARGETS if it != "ollama"])), ids=lambda name: name
)
def test_a_field_that_is_refused_is_named_as_the_caller_calls_it(stage: Stage, caller: str, target: str) -> None:
    refused = stage.refused(caller, target, {}, cap=0)
    assert refused.status == 400
    message, theirs = _message(caller, refused), CAPS[SPEAKS.get(target, target)]
    own, error = CALLERS[caller].cap, json.loads(refused.body)["error"]
    assert theirs in message
    if caller != SPEAKS.get(target, target) and own != theirs:
        assert f"(its `{theirs}` is your `{own}`)" in message
    if caller in ("openai", "completions", "responses"):
        assert error["param"] == own
