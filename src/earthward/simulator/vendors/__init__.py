"""The services this simulator can stand in for. One more is one file and one line here.

The first that claims a request answers it, the last one where none does.
"""

from earthward.simulator.vendors import anthropic, ollama, openai
from earthward.simulator.vendors.ollama import openai_bridge
from earthward.simulator.vendors.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (anthropic.VENDOR, ollama.VENDOR, openai_bridge.VENDOR, openai.VENDOR)
