"""Which data may leave the house. Asked when attempts are planned, and again at the last step before the socket."""

from earthward.config.snapshot import Zone

UNCLASSIFIED = "internal"
"""What a request counts as that nobody has put in a class."""

MAY_LEAVE = frozenset({"public", "internal"})


def may_leave(data_class: str, zone: Zone) -> bool:
    """Whether data of this class may go to a target in this zone. A word that is no class is in doubt, and stays."""
    return zone == "local" or (data_class or UNCLASSIFIED) in MAY_LEAVE
