"""The whole examination, against the simulator's vendors and a running gateway."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.cli import application
from harness import Gateway, Simulator, running

SECRET = "sk-secret-of-a-test"


def doctor(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(application(("doctor", "check")), ["doctor", *words], env={"K": SECRET, **environ})


def configuration(url: str, more: str = "") -> str:
    return f"""\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
providers:
  openai: {{kind: openai, api_key: env:K, base_url: "{url}/v1"}}
  claude: {{kind: anthropic, api_key: env:K, base_url: "{url}", zone: cloud}}
  house: {{kind: ollama, base_url: "{url}"}}
targets:
  mini: {{provider: openai, model: gpt-4o-mini}}
  sonnet: {{provider: claude, model: claude-sonnet-4-5}}
  llama: {{provider: house, model: llama3.2, context: 8192}}
{more}routes:
  - {{name: r, use: mini, fallback: [sonnet, llama]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def test_where_all_is_there_it_says_so_and_no_prompt_was_sent(folder: Path) -> None:
    file = folder / "earthward.yaml"
    simulator = Simulator(folder)
    with running(simulator):
        file.write_text(configuration(simulator.url))
        result = doctor("-c", str(file))
        seen = simulator.seen()
    assert result.exit_code == 0, result.output
    assert "no problems" in result.output
    for line in ("openai: gpt-4o-mini", "claude: claude-sonnet-4-5", "house: llama3.2", "house: Ollama"):
        assert any(shown.startswith("ok") and line in shown for shown in result.output.splitlines())
    assert SECRET not in result.output
    # What a model can do is asked by POST as well.
    assert {entry["path"] for entry in seen if entry["method"] != "GET"} <= {"/api/show"}
    assert sorted(path.name for path in folder.iterdir()) == ["earthward.yaml", "simulator.log"]


def test_each_thing_that_is_missing_is_a_problem_with_what_to_do(folder: Path) -> None:
    file = folder / "earthward.yaml"
    simulator = Simulator(folder, "--key", "another")
    with running(simulator):
        more = '  none: {provider: house, model: "mixtral:8x7b", context: 8192}\n'
        file.write_text(configuration(simulator.url, more))
        result = doctor("-c", str(file), "--json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert told["ok"] is False
    problems = {it["about"]: it for it in told["findings"] if it["state"] == "problem"}
    assert problems["openai"]["what"] == "its key is refused (401)"
    assert "ollama pull mixtral:8x7b" in problems["house: mixtral:8x7b"]["do"]
    assert SECRET not in result.output


def test_a_gateway_that_runs_holds_its_own_ports(folder: Path) -> None:
    simulator = Simulator(folder)
    with running(simulator):
        text = configuration(simulator.url)
        gateway = Gateway(folder, text, env={"K": SECRET})
        with running(gateway):
            listen = gateway.url.removeprefix("http://")
            other = folder / "other.yaml"
            other.write_text(text.replace("listen: 127.0.0.1:0", f"listen: {listen}"))
            result = doctor("-c", str(other))
    assert f"{listen} is held by the Earthward that runs here" in result.output
    assert result.exit_code == 0, result.output


def test_a_configuration_that_is_not_sound_is_wrong_use(folder: Path) -> None:
    file = folder / "earthward.yaml"
    file.write_text("listen: nowhere")
    result = doctor("-c", str(file))
    assert result.exit_code == 2
    assert "earthward.yaml:1:9" in result.stderr
    result = doctor("-c", str(file), "--json")
    assert result.exit_code == 2
    assert json.loads(result.output)["problems"][0]["line"] == 1
