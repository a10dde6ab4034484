"""llama.cpp's server from a wheel, in a process of its own, so that a model that crashes takes nothing with it.

`EngineProcess` starts and stops it; `python -m earthward.engine` is what it starts. It speaks OpenAI's protocol on
loopback, and knows nothing of gateways: to them it is one more upstream.
"""

from earthward.engine.model import UnusableModel, default_model, usable
from earthward.engine.process import EngineFailed, EngineProcess, Ready

__all__ = ["EngineFailed", "EngineProcess", "Ready", "UnusableModel", "default_model", "usable"]
