"""What becomes of the limits in a LiteLLM proxy's configuration."""

from decimal import Decimal

import pytest

from config.test_litellm import configuration, notes, one
from earthward.config.litellm_limits import limits_of, period
from earthward.config.snapshot import Quota, Spend

NANO = 1_000_000_000
LIMITED = (
    "model: openai/gpt-4o, rpm: 480, tpm: 100000, max_parallel_requests: 8, max_budget: 250.5, budget_duration: 30d"
)


def test_what_limits_a_deployment_limits_its_target() -> None:
    text = one(LIMITED)
    (target,) = configuration(text).targets.values()
    assert target.limits is not None
    assert target.limits.quota() == Quota(480, 100_000, 8, (Spend("month", 250_500_000_000),))
    assert notes(text) == []


def test_addresses_of_one_model_have_what_each_of_them_has() -> None:
    entry = "  - {{model_name: m, litellm_params: {{model: ollama/llama3, api_base: 'http://gpu-{}:11434', {}}}}}\n"
    both = "model_list:\n" + entry.format(1, "rpm: 100, tpm: 5000") + entry.format(2, "rpm: 50")
    (target,) = configuration(both).targets.values()
    assert target.limits is not None
    assert (target.limits.rpm, target.limits.tpm) == (150, None)
    assert notes(both) == ["2 model `m`: not all its addresses have a limit alike on `tpm`"]
    budgets = "model_list:\n" + "".join(
        entry.format(number, "max_budget: 0.1, budget_duration: 1d") for number in (1, 2, 3)
    )
    (target,) = configuration(budgets).targets.values()
    assert target.limits is not None
    assert target.limits.quota().budgets == (Spend("day", 300_000_000),)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("1d", "day"), ("24h", "day"), ("86400s", "day"), ("1440m", "day"), ("daily", "day"),
        ("7d", "week"), ("1w", "week"), ("30d", "month"), ("31d", "month"), ("1mo", "month"), ("Monthly", "month"),
        ("2d", None), ("1h", None), ("2mo", None), ("", None), (None, None), (30, None), ("999999999d", None),
        ("1d; rm", None),
    ],
)  # fmt: skip
def test_a_time_is_a_period_only_where_it_is_as_long(duration: object, expected: str | None) -> None:
    assert period(duration) == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_budget": 5}, ("max_budget", "never renews; here budgets are for a day, a week or a month")),
        ({"max_budget": 5, "budget_duration": "2h"},
         ("max_budget", "renews after another time; here budgets are for a day, a week or a month")),
        ({"rpm": "os.environ/RPM"}, ("rpm", "is no whole number above 0")),
        ({"rpm": True}, ("rpm", "is no whole number above 0")),
        ({"tpm": 0}, ("tpm", "is no whole number above 0")),
        ({"tpm": -4}, ("tpm", "is no whole number above 0")),
        ({"tpm": 10**30}, ("tpm", "is no whole number above 0")),
        ({"max_budget": "nan", "budget_duration": "1d"}, ("max_budget", "is no sum of dollars")),
        ({"max_budget": -1, "budget_duration": "1d"}, ("max_budget", "is no sum of dollars")),
        ({"max_budget": [1], "budget_duration": "1d"}, ("max_budget", "is no sum of dollars")),
        ({"max_budget": "1e400", "budget_duration": "1d"}, ("max_budget", "is no sum of dollars")),
    ],
)  # fmt: skip
def test_what_can_not_be_said_here_is_told(given: dict[str, object], told: tuple[str, str]) -> None:
    assert limits_of(given) == ({}, [told])


def test_a_soft_budget_beyond_the_hard_one_is_left_out() -> None:
    found, left = limits_of({"max_budget": 1, "soft_budget": 2, "budget_duration": "1d"})
    assert (found, [name for name, _ in left]) == ({"budget": "1/day"}, ["soft_budget"])
    assert limits_of({"max_budget": 2, "soft_budget": 1.5, "budget_duration": "1w"})[0] == {
        "budget": "2/week",
        "budget_soft": "1.5/week",
    }


CALLERS = """\
litellm_settings:
  max_budget: 1000
  budget_duration: 30d
  default_key_generate_params: {max_budget: 10, budget_duration: 1d, rpm_limit: 60}
  default_internal_user_params: {models: [gpt-4o]}
  default_team_settings:
    - {team_id: web, max_budget: 200, soft_budget: 150, budget_duration: 1mo, tpm_limit: 50000}
    - {team_alias: "night shift", rpm_limit: 20, max_budget: 5}
    - {team_id: logs, success_callback: [langfuse]}
    - nonsense
"""


def test_teams_in_the_file_keep_their_limits() -> None:
    found = configuration(one("model: openai/gpt-4o", more=CALLERS))
    assert {name: it.quota() for name, it in found.limits.teams.items()} == {
        "web": Quota(None, 50_000, None, (Spend("month", 200 * NANO, 150 * NANO),)),
        "night shift": Quota(20),
    }


def test_the_budget_of_all_is_one_that_is_told_of() -> None:
    found = configuration(one("model: openai/gpt-4o", more=CALLERS))
    (budget,) = found.money.budgets
    assert (budget.name, budget.kind, budget.limit, budget.every) == ("all", "spend", 1000 * NANO, "month")
    weekly = one("model: openai/gpt-4o", more="litellm_settings: {max_budget: 7, budget_duration: 7d}\n")
    assert configuration(weekly).money.budgets == ()
    assert notes(weekly) == ["3 `litellm_settings.max_budget`: here such a budget is for a day or a month"]


TOLD_OF = "is told of when it is spent (`budgets`), and stops nothing: limit teams or targets"
SAY_IT = "has no counterpart; say it of each key: `earthward keys create --app NAME --rpm 60 --budget 10/day`"


def test_what_the_file_says_of_callers_and_can_not_be_carried_over_is_told_with_its_line() -> None:
    assert notes(one("model: openai/gpt-4o", more=CALLERS)) == [
        f"4 `litellm_settings.max_budget`: {TOLD_OF}",
        f"6 `litellm_settings.default_key_generate_params`: {SAY_IT}",
        "7 `litellm_settings.default_internal_user_params`: no counterpart",
        "10 team `night shift`: `max_budget` never renews; here budgets are for a day, a week or a month",
    ]


def test_an_amount_keeps_its_cents() -> None:
    assert Decimal(str(limits_of({"max_budget": 0.000000001, "budget_duration": "1d"})[0]["budget"][:-4])) == Decimal(
        "0.000000001"
    )
    assert limits_of({"max_budget": 1_000_000, "budget_duration": "1d"})[0] == {"budget": "1000000/day"}
