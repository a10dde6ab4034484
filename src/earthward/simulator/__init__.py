"""Scripted vendors over real sockets, for the demo, for tests and for benchmarks.

Answers as a vendor's API does, as fast or slow as told, with any fault of the table, and keeps a log and a bill of
its own to hold against the gateway's. It has no model: its texts are numbered tokens or drawn words.
"""

from earthward.simulator.behaviour import BadScript, Behaviour
from earthward.simulator.faults import FAULTS
from earthward.simulator.hardware import Hardware, LocalModel
from earthward.simulator.server import Simulator

__all__ = ["FAULTS", "BadScript", "Behaviour", "Hardware", "LocalModel", "Simulator"]
