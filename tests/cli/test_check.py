import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.cli import application

GOOD = """\
providers:
  openai: {kind: openai, api_key: env:NOT_SET_ANYWHERE}
  gpus: {kind: openai_compatible, base_url: http://gpu-1:8000/v1}
targets:
  mini: {provider: openai, model: gpt-4o-mini}
  llama: {provider: gpus, model: llama3.1}
  owned: {provider: gpus, model: llama3.2, price: free}
  odd: {provider: openai, model: unheard-of}
routes:
  - {name: trial, when: {model: "gpt-*"}, baseline: mini, candidate: llama, share: 5%}
"""
BAD = GOOD.replace("provider: openai", "provider: opnai", 1).replace("share: 5%", "share: 500%")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "earthward.yaml"
    path.write_text(GOOD)
    return path


def check(*arguments: str) -> Result:
    return CliRunner().invoke(application(("check", "serve")), ["check", *arguments])


def test_a_sound_file_is_summed_up_and_no_secret_is_needed(file: Path) -> None:
    result = check("-c", str(file))
    assert result.exit_code == 0
    assert "is sound: 2 providers, 4 targets, 1 route." in result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert any(
        line.startswith("mini openai gpt-4o-mini cloud $0.15 in, $0.6 out per million tokens (") for line in lines
    )
    assert "llama gpus llama3.1 local no price" in lines
    assert "owned gpus llama3.2 local free" in lines
    assert "odd openai unheard-of cloud no price known" in lines


def test_each_route_is_told_with_what_it_is_for_and_where_that_goes(file: Path) -> None:
    file.write_text(GOOD + "  - {name: own, when: {data: [health, personal]}, use: llama, boundary: local}\n"
                    "  - {name: moving, when: {model: 'm-*'}, baseline: mini, candidate: llama, rollout: gentle}\n"
                    "  - {name: rest, use: mini, fallback: [llama, owned]}\n"
                    "rollouts: {gentle: {preset: fast}}\n")  # fmt: skip
    lines = [" ".join(line.split()) for line in check("-c", str(file)).output.splitlines()]
    assert lines[-4:] == [
        "trial model gpt-* → mini and llama for 5%",
        "own data health, personal → llama; nothing leaves",
        "moving model m-* → mini and llama by the rollout gentle",
        "rest everything → mini, then llama, owned",
    ]


def test_every_problem_is_told_with_its_place_and_the_status_is_2(file: Path) -> None:
    file.write_text(BAD)
    result = check("-c", str(file))
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        f"{file}:5:20: unknown provider `opnai`, did you mean `openai`? Known: gpus, openai",
        f"{file}:10:84: `share` is more than 100%",
        "",
        "2 problems. A gateway would refuse this file.",
    ]


def test_json_for_programs(file: Path) -> None:
    result = check("-c", str(file), "--json")
    assert result.exit_code == 0
    told = json.loads(result.output)
    assert (told["ok"], told["problems"], told["routes"]) == (True, [], ["trial"])
    assert told["targets"][0]["price"]["output"] == 0.6
    file.write_text(BAD)
    result = check("-c", str(file), "--json")
    assert result.exit_code == 2
    told = json.loads(result.output)
    assert told["ok"] is False
    assert told["problems"][1] == {
        "file": str(file),
        "line": 10,
        "column": 84,
        "message": "`share` is more than 100%",
    }


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = check("-c", str(tmp_path / "none.yaml"))
    assert result.exit_code == 2
    assert "can't be read: No such file or directory" in result.output


def test_a_judge_of_an_arms_family_is_warned_of_in_words_and_in_json(file: Path) -> None:
    judged = ", shadow: {rate: 5%, budget: 5 USD/day}, judge: owned}"
    file.write_text(GOOD.replace(", share: 5%}", f", share: 5%{judged}"))
    warning = "the judge `owned` of route `trial` is of the same family as `llama`"
    assert f"mind: {warning}" in check("-c", str(file)).output
    assert json.loads(check("-c", str(file), "--json").output)["warnings"] == [warning]
