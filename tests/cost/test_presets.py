from decimal import Decimal

from earthward.cost.ownership import ownership
from earthward.cost.presets import PRESETS

SONNET, TURBO = (ownership(scenario) for scenario in PRESETS["playbook"].scenarios)


def test_the_playbook_pays_its_cloud_450_and_1100_dollars_a_month() -> None:
    assert SONNET.months[0].cloud == 450
    assert TURBO.months[0].cloud == 1100


def test_over_three_years_the_playbook_costs_16200_in_the_cloud_and_5400_at_home() -> None:
    assert (SONNET.cloud, SONNET.own, SONNET.capex) == (16_200, 5_400, 3_600)
    assert TURBO.cloud == 39_600


def test_the_playbook_saves_67_percent() -> None:
    assert SONNET.saved_share is not None
    assert round(SONNET.saved_share * 100) == 67


def test_the_playbook_breaks_even_after_9_months_and_not_after_12() -> None:
    assert SONNET.break_even == 9
    assert TURBO.break_even is not None
    assert round(TURBO.break_even, 2) == Decimal("3.43")
