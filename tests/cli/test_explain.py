import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from earthward.cli import application
from earthward.cli.explain import spent_targets
from earthward.gateway.limits_left import Remaining
from earthward.routing.plan import Plan

CONFIG = """\
providers:
  openai: {kind: openai, api_key: env:NOT_SET_ANYWHERE}
  gpus: {kind: ollama, endpoints: [http://gpu-1:11434]}
targets:
  mini: {provider: openai, model: gpt-4o-mini}
  llama: {provider: gpus, model: "llama3.1:8b", context: 16384}
routes:
  - {name: confidential, when: {data: [personal, health]}, use: llama}
  - {name: own, when: {team: ops}, use: mini}
  - {name: trial, when: {model: "gpt-*"}, baseline: mini, candidate: llama, share: 100%}
"""
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "logit_bias": {"1": 1}}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "earthward.yaml"
    path.write_text(CONFIG)
    return path


def explain(config: Path, request: Any, *arguments: str) -> Result:
    file = config.parent / "request.json"
    file.write_text(request if isinstance(request, str) else json.dumps(request))
    return CliRunner().invoke(application(("explain", "check")), ["explain", str(file), "-c", str(config), *arguments])


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.output)["explanation"]


def test_no_secret_and_no_gateway_is_needed(config: Path) -> None:
    result = explain(config, CHAT)
    assert result.exit_code == 0
    assert "trial" in result.output
    assert "translated to ollama" in " ".join(result.output.split())
    assert not (config.parent / "earthward-state").exists(), "looking leaves nothing behind"


def test_headers_and_keys_count_as_they_would(config: Path) -> None:
    assert told(explain(config, CHAT, "-H", "X-Earthward-Data-Class: health", "--json"))["route"] == "confidential"
    assert told(explain(config, CHAT, "--data-class", "personal", "--json"))["route"] == "confidential"
    assert told(explain(config, CHAT, "--team", "ops", "--json"))["route"] == "own"


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        (CHAT, "openai_chat"),
        ({"model": "gpt-4", "system": "x", "max_tokens": 1, "messages": []}, "anthropic_messages"),
        ({"model": "gpt-4", "options": {}, "messages": []}, "ollama"),
        ({"model": "gpt-4", "prompt": "x"}, "ollama"),
        ({"model": "gpt-4", "prompt": "x", "max_tokens": 1}, "openai_completions"),
        ({"model": "gpt-4", "input": "x"}, "openai_responses"),
    ],
)
def test_the_dialect_is_guessed_from_what_only_it_has(config: Path, body: dict[str, Any], dialect: str) -> None:
    assert told(explain(config, body, "--json"))["dialect"] == dialect


def test_of_a_header_given_twice_both_count_as_they_would(config: Path) -> None:
    classes = ("-H", "x-earthward-data-class: health", "-H", "X-Earthward-Data-Class: public")
    assert told(explain(config, CHAT, "--json", *classes))["data_class"] == "health"


def test_a_request_that_nobody_serves_is_a_no(config: Path) -> None:
    result = explain(config, {**CHAT, "model": "mistral"})
    assert result.exit_code == 1
    assert "no route serves the model 'mistral'" in result.output
    assert json.loads(explain(config, {**CHAT, "model": "mistral"}, "--json").output)["served"] is False


@pytest.mark.parametrize(
    ("body", "arguments", "message"),
    [
        ("{", (), "is not valid JSON"),
        ("[]", (), "must be a JSON object"),
        ("{}", (), "you must name a `model`"),
        (json.dumps(CHAT), ("--path", "/v1/chat/completion"), "did you mean `/v1/chat/completions`?"),
        (json.dumps({"contents": []}), (), "add --path /v1beta/models/MODEL:generateContent"),
        (json.dumps(CHAT), ("-H", "no header"), "write it as in `x-earthward-task: chat`"),
        (json.dumps(CHAT), ("--data-class", "helth"), "did you mean `health`?"),
    ],
)
def test_what_can_t_be_understood_says_what_to_do(
    config: Path, body: str, arguments: tuple[str, ...], message: str
) -> None:
    result = explain(config, body, *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_a_file_that_is_not_there_and_a_broken_configuration_are_wrong_use(config: Path) -> None:
    run = CliRunner().invoke(application(("explain", "check")), ["explain", "nowhere.json", "-c", str(config)])
    assert (run.exit_code, "nowhere.json can't be read" in run.output) == (2, True)
    config.write_text(CONFIG.replace("use: llama", "use: lama"))
    assert (explain(config, CHAT).exit_code, "did you mean `llama`?" in explain(config, CHAT).output) == (2, True)


@pytest.mark.parametrize(
    ("limit", "left_out"),
    [
        (Remaining("team", "web", "budget/month", 100, 100, 0), ["mini"]),
        (Remaining("target", "mini", "budget/day", 5, 6, 0), ["mini"]),
        (Remaining("target", "other", "budget/day", 5, 6, 0), []),
        (Remaining("team", "web", "budget/month", 100, 99, 1), []),
        (Remaining("team", "web", "budget/month", 80, 90, 0, is_soft=True), []),
        (Remaining("team", "web", "rpm", 60, 60, 0), []),
    ],
)
def test_a_spent_budget_leaves_out_the_cloud_and_nothing_in_the_house(limit, left_out) -> None:
    plan = Plan("r", "baseline", 0, -1, (("mini", "baseline"), ("llama", "fallback")), ())
    assert list(spent_targets([limit], plan, {"mini", "other"})) == left_out
