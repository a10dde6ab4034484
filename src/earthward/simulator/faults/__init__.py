"""Everything that can be wrong with an answer. A new fault is one function in one of these files."""

from earthward.simulator.faults import bodies, connections, heads, statuses, streams
from earthward.simulator.faults.table import FAULTS, Fault, fault

__all__ = ["FAULTS", "Fault", "bodies", "connections", "fault", "heads", "statuses", "streams"]
