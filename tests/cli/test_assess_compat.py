import json
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from earthward.cli import application
from earthward.cli.output import DONE, NOT_ENOUGH_EVIDENCE, WRONG_USE

ASKED = {"app": "shop", "model": "gpt-4o", "messages": [{"role": "developer", "content": "zebra"}], "n": 2}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(("assess", "prices")), ["assess", "compat", *arguments])


def test_each_application_sees_what_it_would_meet(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(ASKED) + "\nnonsense\n")
    result = run(str(file))
    assert result.exit_code == DONE
    assert "shop: 1 request; 3 handled" in result.output
    assert "role `developer`" in result.output
    assert "1 record without a request" in result.output
    assert "zebra" not in result.output


def test_programs_get_json(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(ASKED))
    (shop,) = json.loads(run(str(file), "--json").output)["applications"]
    assert {one["number"] for one in shop["meets"]} == {31, 37, 42}


def test_files_without_a_request_are_not_enough_and_missing_ones_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    assert run(str(tmp_path / "empty.jsonl")).exit_code == NOT_ENOUGH_EVIDENCE
    assert run(str(tmp_path / "nowhere")).exit_code == WRONG_USE
    assert run().exit_code == WRONG_USE


def test_what_holds_no_request_is_named_beside_what_does(tmp_path: Path) -> None:
    (tmp_path / "full.jsonl").write_text(json.dumps(ASKED))
    (tmp_path / "noise.jsonl").write_bytes(bytes(range(256)))
    result = run(*(str(tmp_path / name) for name in ("full.jsonl", "noise.jsonl", ".")))
    assert result.exit_code == DONE
    assert "noise.jsonl: no request with its body was found in it" in result.output
    assert "no counts of a gateway's are in this folder" in result.output
    assert "full.jsonl:" not in result.output


def test_one_application_is_told_of_alone_and_an_unknown_name_tells_the_known_ones(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({**ASKED, "app": name}) + "\n" for name in ("shop", "shop", "desk")))
    found = json.loads(run(str(file), "--app", "desk", "--json").output)
    assert (found["requests"], [one["name"] for one in found["applications"]]) == (1, ["desk"])
    result = run(str(file), "--app", "desc")
    assert result.exit_code == WRONG_USE
    assert "shop, desk" in result.output


def test_its_help_is_its_own() -> None:
    result = run("--help")
    assert result.exit_code == DONE
    assert "yours to change" in result.output
    assert "--app" in result.output
    assert "--map" not in result.output
