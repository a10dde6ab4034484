"""The reference pages say what the code says, and leave nothing out."""

import subprocess
import sys
from pathlib import Path

import pytest

from earthward.chat.failures import FailureKind
from earthward.cli.markdown import table
from earthward.cli.reference import PAGES, main
from earthward.cli.reference_configuration import SECTIONS
from earthward.cli.reference_errors import CAUSES
from earthward.cli.reference_ledger import ATTEMPT, RECORD, USAGE, Usage
from earthward.cli.reference_metrics import families
from earthward.config import models
from earthward.ledger.record import Attempt, Record

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_says_what_the_code_says(name):
    assert (REFERENCE / f"{name}.md").read_text() == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize(("title", "model", "keys"), [section[:3] for section in SECTIONS])
def test_every_setting_is_explained_and_none_that_is_gone(title, model, keys):
    assert set(keys) == set(model.model_fields)


def test_every_section_of_a_configuration_has_a_table():
    sections = {it for it in vars(models).values() if isinstance(it, type) and issubclass(it, models.Section)}
    assert sections - {models.Section} == {model for _, model, *_ in SECTIONS}


@pytest.mark.parametrize(("struct", "texts"), [(Record, RECORD), (Attempt, ATTEMPT), (Usage, USAGE)])
def test_every_field_of_a_record_is_explained_and_none_that_is_gone(struct, texts):
    assert set(texts) == set(struct.__struct_fields__)


def test_every_kind_of_failure_has_its_cause():
    assert set(CAUSES) == set(FailureKind)


def test_each_dialect_tells_a_failure_in_its_own_way():
    page = PAGES["errors"]()
    cells = ("503 `server_error` `overloaded`", "529 `overloaded_error`", "503 `UNAVAILABLE` `overloaded`", "503")
    assert f"| {' | '.join(('`overloaded`', *cells))} |" in page
    assert "| `overloaded` | yes | yes |" in page
    assert "| `bad_request` | no | no |" in page


def test_every_metric_says_what_it_tells_and_has_been_seen_with_its_labels():
    for family in families():
        assert family.documentation, family.name
        assert family.samples, f"{family.name}: no example counts in it, so its labels are not known"


def test_a_command_shows_what_it_takes():
    page = PAGES["cli"]()
    assert "earthward keys revoke <id> [options]" in page
    assert "earthward rollout status [route] [options]" in page, "it may be left out"
    assert "| `--requests`, `-n` | `100` |" in page
    assert "--picture" not in page


def test_settings_show_their_default_as_it_is_written():
    page = PAGES["configuration"]()
    for row in ("| `body` | size: `64 KB`, `32 MB` | `32 MB` |", "| `listen` | `host:port` | `127.0.0.1:4000` |"):
        assert row in page
    assert "| `first_byte` | time: `500ms`, `10s`, `5m`, `1h` | `300s` |" in page


def test_a_bar_in_a_cell_does_not_end_it():
    assert table(["a"], [["b | c"]]).splitlines()[-1] == "| b \\| c |"


def test_a_page_is_printed_and_an_unknown_one_is_refused(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out == PAGES["cli"]()
    assert main(["nothing"]) == 2
    assert "known: cli, configuration" in capsys.readouterr().err


def test_it_runs_as_the_makefile_runs_it():
    command = [sys.executable, "-m", "earthward.cli.reference", "errors"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == PAGES["errors"]()
