"""What the prober found, as it is told to workers."""

import msgspec

from earthward.routing.balance.standing import Report


class Probed(msgspec.Struct, frozen=True, array_like=True):
    """A report with whom it is about."""

    provider: str
    url: str
    report: Report
