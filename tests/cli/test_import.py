import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.cli import application

TYPICAL = Path(__file__).parents[1] / "config" / "litellm" / "typical.yaml"


def run(*words: str) -> Result:
    return CliRunner().invoke(application(("import", "check")), [*words])


def test_what_is_printed_passes_check_and_the_list_goes_to_standard_error(tmp_path: Path) -> None:
    result = run("import", "litellm", str(TYPICAL))
    assert result.exit_code == 0
    file = tmp_path / "earthward.yaml"
    file.write_text(result.stdout)
    assert run("check", "-c", str(file)).exit_code == 0
    assert "is at bedrock, which has no counterpart" in result.stderr
    assert "#   line 44, model `bedrock-claude`" in result.stdout
    assert "in-the-clear" not in result.output


def test_a_file_is_written_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    file = tmp_path / "earthward.yaml"
    words = ("import", "litellm", str(TYPICAL), "-o", str(file))
    assert run(*words).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_text()
    file.write_text("mine")
    refused = run(*words)
    assert (refused.exit_code, file.read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert run(*words, "--force").exit_code == 0
    assert file.read_text() == first


def test_json_holds_the_text_and_the_list() -> None:
    told = json.loads(run("import", "litellm", str(TYPICAL), "--json").stdout)
    assert told["ok"] is True
    assert "auth: keys" in told["configuration"]
    assert {"line": 44, "what": "model `bedrock-claude`", "why": "is at bedrock, which has no counterpart"} in told[
        "notes"
    ]


def test_nothing_to_carry_over_is_a_no(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("model_list: [{model_name: a, litellm_params: {model: bedrock/a}}]")
    result = run("import", "litellm", str(file), "-o", str(tmp_path / "out.yaml"))
    assert result.exit_code == 1
    assert "Nothing could be carried over" in result.stderr
    assert not (tmp_path / "out.yaml").exists()


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"a: [", b""])
def test_what_can_not_be_read_is_wrong_use(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_bytes(content)
    result = run("import", "litellm", str(file))
    assert result.exit_code == 2
    assert "config.yaml" in result.stderr
