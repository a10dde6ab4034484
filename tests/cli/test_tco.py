import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from earthward.cli import application
from earthward.cli.output import DONE, NO, WRONG_USE

ORDINARY = ("--requests", "500000", "--gpu", "RTX 4090", "--cloud-price", "3/15")


def tco(*arguments: str) -> Result:
    return CliRunner().invoke(application(("tco", "check")), ["tco", *arguments])


def test_the_preset_prints_the_figures_and_that_the_named_box_cannot_carry_the_load() -> None:
    result = tco("--preset", "playbook")
    for figure in ("$450", "$1,100", "$16,200", "$5,400", "67 %", "after 9 months", "does not fit"):
        assert figure in result.output, figure
    assert result.exit_code == NO


def test_json_has_money_as_decimal_text() -> None:
    case = json.loads(tco("--preset", "playbook", "--json").output)["cases"][0]
    assert float(case["result"]["cloud"]) == 16_200
    assert isinstance(case["result"]["own"], str)
    assert case["result"]["break_even"] == "9"


def test_a_plan_with_nothing_that_blocks_it_is_a_yes() -> None:
    assert tco(*ORDINARY).exit_code == DONE


def test_every_number_may_carry_a_percent_sign_or_underscores() -> None:
    result = tco("--requests", "1_000_000", "--gpu", "rtx 4090", "--growth", "20%", "--cloud-price", "3/15", "--json")
    assert json.loads(result.output)["cases"][0]["scenario"]["work"]["growth"] == "0.2"


def test_wrong_use_says_what_to_write() -> None:
    for arguments, words in (
        ((), "--requests"),
        (("--requests", "1000"), "--gpu"),
        (("--requests", "1000", "--gpu", "RTX 9999"), "RTX"),
        (("--requests", "1000", "--gpu", "L4"), "--box-price"),
        (("--preset", "nothing"), "playbook"),
        ((*ORDINARY, "--peak", "0.5"), "--peak"),
        ((*ORDINARY, "--headroom", "100%"), "--headroom"),
        ((*ORDINARY, "--capacity", "0"), "--capacity"),
        (("--requests", "1000", "--gpu", "RTX 4090", "--cloud-price", "3"), "3/15"),
        (("--requests", "1", "--gpu", "RTX 4090", "--cloud-model", "unheard-of"), "prices search"),
        (("--requests", "-5"), "zero or more"),
        (("--requests", "nan"), "zero or more"),
        (("--requests", "1e999999"), "can be reckoned with"),
    ):
        result = tco(*arguments)
        assert result.exit_code == WRONG_USE, (arguments, result.output)
        assert words in result.output, (arguments, result.output)


def test_the_work_can_come_from_an_assessment(tmp_path: Path) -> None:
    file = tmp_path / "usage.json"
    file.write_text('{"work": {"requests_a_month": 500000, "input_tokens": "300.5", "output_tokens": "100"}}')
    case = json.loads(tco("--usage", str(file), "--gpu", "RTX 4090", "--json").output)["cases"][0]
    assert case["scenario"]["work"]["requests"] == "500000"
    file.write_text("[]")
    assert "assess --json" in tco("--usage", str(file), "--gpu", "RTX 4090").output


def test_what_an_assessment_found_is_reckoned_with_and_flags_go_before_it(tmp_path: Path) -> None:
    file = tmp_path / "usage.json"
    work = {"requests_a_month": 5000, "input_tokens": "300.5", "output_tokens": "100"}
    file.write_text(json.dumps({"work": {**work, "cached_share": "0.4", "peak_factor": "40"}}))

    def scenario(*flags: str) -> dict[str, Any]:
        told = tco("--usage", str(file), "--gpu", "RTX 4090", *flags, "--json").output
        found: dict[str, Any] = json.loads(told)["cases"][0]["scenario"]
        return found

    found = scenario("--growth", "20%")
    assert (found["work"]["cached_share"], found["work"]["growth"]) == ("0.4", "0.2")
    assert scenario("--cached", "10%")["work"]["cached_share"] == "0.1"
    assert Decimal(scenario("--peak", "4")["box"]["capacity"]) > Decimal(found["box"]["capacity"]) * 9


def test_renting_by_the_hour_is_compared() -> None:
    assert "rented by the hour" in tco(*ORDINARY, "--rent", "0.5").output


def test_long_prompts_are_reckoned_at_the_price_of_long_ones() -> None:
    def price(tokens: str) -> str:
        told = tco("--requests", "1000", "--gpu", "RTX 4090", "--input-tokens", tokens, "--json").output
        found: str = json.loads(told)["cases"][0]["scenario"]["cloud"]["input"]
        return found

    assert (price("200000"), price("200001")) == ("3", "6")


def test_electricity_that_nobody_knows_is_told() -> None:
    bought = ("--requests", "100000", "--box-price", "3600", "--cloud-price", "3/15")
    assert "No electricity is counted" in tco(*bought).output
    assert "No electricity is counted" not in tco(*bought, "--busy-watts", "400").output
