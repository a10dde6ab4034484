"""The services this simulator can stand in for. One more is one file and one line here.

The first that claims a request answers it, the last one where none does.
"""

from earthward.simulator.vendors import (
    anthropic,
    azure,
    claude_on_vertex,
    gemini,
    google_identity,
    ollama,
    openai,
    responses,
)
from earthward.simulator.vendors.ollama import openai_bridge
from earthward.simulator.vendors.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (
    anthropic.VENDOR,
    claude_on_vertex.VENDOR,
    google_identity.VENDOR,
    gemini.VENDOR,
    ollama.VENDOR,
    openai_bridge.VENDOR,
    responses.VENDOR,
    azure.VENDOR,
    openai.VENDOR,
)
