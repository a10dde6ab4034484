"""Scenarios with a name, their figures as they were published."""

from decimal import Decimal

import msgspec

from earthward.cost.ownership import Box, Cloud, Scenario, Work

_ORDINARY = Work(Decimal(100_000), Decimal(500), Decimal(200))
CLAUDE = Cloud("Claude 3.5 Sonnet", Decimal(3), Decimal(15))
GPT = Cloud("GPT-4 Turbo", Decimal(10), Decimal(30))
_BOX = Box("RTX 4090 workstation", Decimal(1600) + Decimal(2000), maintenance=Decimal(200), electricity=Decimal(400))


class Preset(msgspec.Struct, frozen=True):
    """One scenario for each cloud model; the model and the card that it names for the local side."""

    name: str
    scenarios: tuple[Scenario, ...]
    local_model: str
    gpu: str


PRESETS = {
    "playbook": Preset(
        "playbook",
        (Scenario(_ORDINARY, CLAUDE, _BOX), Scenario(_ORDINARY, GPT, _BOX)),
        local_model="llama3.3:70b",
        gpu="RTX 4090",
    )
}
