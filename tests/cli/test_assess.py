import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.cli import application
from earthward.cli.output import DONE, NOT_ENOUGH_EVIDENCE, WRONG_USE

SAMPLES = Path(__file__).parents[1] / "assess" / "samples"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(("assess", "prices")), list(arguments))


def test_everything_a_person_asks_of_a_months_usage_is_told() -> None:
    result = run("assess", str(SAMPLES / "litellm_spend.csv"))
    assert result.exit_code == DONE
    for words in ("LiteLLM's spend logs", "3 requests", "at list price", "gpt-4o-mini", "team-shop", "busiest minute"):
        assert words in result.output, words


def test_json_can_be_handed_to_tco(tmp_path: Path) -> None:
    found = json.loads(run("assess", str(SAMPLES / "litellm_spend.csv"), "--json").output)
    assert found["work"]["requests_a_month"] > 0
    assert found["total"]["cost"] == 452_000


def test_what_was_left_out_is_told_with_counts() -> None:
    output = run("assess", str(SAMPLES / "plain.csv")).output
    assert "1 rows left out: has no number in `cost`" in output
    assert "plain.csv:2: `cost`" in output
    assert "no price is known of unheard-of-7b (1 rows)" in output
    assert "--rate EUR=DOLLARS" in output


def test_own_prices_with_dates_replace_those_of_the_list(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("prices:\n  - {model: 'unheard-of*', input: 1, output: 2, since: 2025-01-01}\n")
    found = json.loads(run("assess", str(SAMPLES / "plain.csv"), "--prices", str(file), "--json").output)
    assert found["unknown_models"] == {}
    assert {it["name"]: it["cost"] for it in found["by_model"]}["unheard-of-7b"] == 1_000 * 1000 + 200 * 2000


def test_a_name_that_would_steer_the_terminal_does_not(tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text("time,model,input,output\n2025-01-01,\x1b[31mred\x1b[0m,1,1\n")
    assert "\x1b[31m" not in run("assess", str(path)).output


def test_no_usage_at_all_is_not_enough_evidence(tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text("time,model,input,output\n")
    assert run("assess", str(path)).exit_code == NOT_ENOUGH_EVIDENCE


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.csv",), "missing.csv: can't be read"),
        (("{plain}", "{plain}"), "given twice"),
        (("{plain}", "--map", "when=x"), "--map takes"),
        (("{plain}", "--map", "time=nothing,model=model"), "has no column `nothing`"),
        (("{plain}", "--map", "time=timestamp"), "model"),
        (("{plain}", "--rate", "EUR"), "--rate takes"),
        (("{plain}", "--rate", "EUR=0"), "--rate takes"),
        (("{plain}", "--timezone", "Mars/Olympus"), "no time zone"),
        (("{plain}", "--memory", "lots"), "--memory"),
        (("{plain}", "--prices", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_wrong_use_says_what_to_do(arguments: tuple[str, ...], words: str) -> None:
    result = run("assess", *(it.replace("{plain}", str(SAMPLES / "plain.csv")) for it in arguments))
    assert result.exit_code == WRONG_USE, result.output
    assert words in result.output


def test_prices_of_a_model_are_shown_with_batches_and_tiers() -> None:
    output = run("prices", "show", "claude-sonnet-4-5").output
    for words in ("batch", "over 200,000 in", "$22.5"):
        assert words in output


def test_prices_are_found_by_words() -> None:
    found = json.loads(run("prices", "search", "openai", "4o-mini", "--json").output)
    assert all("4o-mini" in it["model"] or it["vendor"] == "openai" for it in found)


def test_an_unknown_model_is_a_no() -> None:
    assert run("prices", "show", "no-such-model").exit_code == 1
    assert run("prices", "search", "no-such-model").exit_code == 1
