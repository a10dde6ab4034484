"""What a simulated machine is, and the models on its disk."""

from hashlib import sha256
from typing import Any, Literal

import msgspec

GIB = 1024**3
_TIERS = ((47, 262_144), (23, 32_768), (0, 4096))
"""GiB of memory, and the context that Ollama gives a model on a machine with so much."""


class LocalModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model on disk. `size` is in bytes, `kv` in bytes per token of context, `context` the longest in tokens.

    `renders`: Ollama writes the prompt itself and cuts what is too long; otherwise llama.cpp does and refuses it.
    `options` are those baked in, as `system` and `messages` (role and text) are; `width` is that of its embeddings,
    `alias_of` a model whose weights it shares.
    """

    name: str
    size: int = 2 * GIB
    context: int = 131_072
    kv: int = 64 * 1024
    capabilities: tuple[str, ...] = ("completion", "tools")
    family: str = "llama"
    parameters: str = "3.2B"
    quantization: str = "Q4_K_M"
    width: int = 768
    renders: bool = True
    system: str = ""
    messages: tuple[tuple[str, str], ...] = ()
    options: dict[str, Any] = {}
    alias_of: str | None = None

    @property
    def digest(self) -> str:
        return sha256((self.alias_of or self.name).encode()).hexdigest()


LIBRARY = (
    LocalModel("llama3.2:latest", 2_019_393_189, kv=114_688),
    LocalModel("qwen3:8b", 5_225_388_164, 40_960, 147_456, ("completion", "tools", "thinking"), "qwen3", "8.2B"),
    LocalModel("gemma3:4b", 3_338_801_804, kv=139_264, capabilities=("completion", "vision"), family="gemma3"),
    LocalModel("mistral:7b", 4_372_824_384, 32_768, 131_072, family="llama", parameters="7.2B", renders=False),
    LocalModel("nomic-embed-text:latest", 274_302_450, 2048, 0, ("embedding",), "nomic-bert", "137M", "F16"),
)
"""Sizes as ollama.com's library lists them; what a machine has unless told otherwise, and what it can pull."""


class Hardware(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A host of Ollama. Without a rate, its work takes no time.

    `memory` is in bytes; `slots` requests per model run at once; `prefill` and `decode` are tokens per second of one
    request, of which each other one running takes the share `crowding`; `load` and `pull` are bytes per second.
    `resident` models are loaded at most, `queue` requests wait for a load at most. `context` is what a model gets
    unless asked otherwise (None: by memory), `keep_alive` how many seconds it stays. `models` are on its disk, those
    of the library if none are named.
    """

    memory: int = 24 * GIB
    slots: int = 1
    prefill: float | None = None
    decode: float | None = None
    crowding: float = 0.0
    load: float | None = None
    pull: float | None = None
    resident: int = 3
    queue: int = 512
    context: int | None = None
    keep_alive: float = 300.0
    version: str = "0.33.0"
    cloud: Literal["on", "signed_out", "off"] = "on"
    models: tuple[LocalModel, ...] | None = None

    @property
    def usual_context(self) -> int:
        return self.context or next(tokens for gib, tokens in _TIERS if self.memory >= gib * GIB)


def tagged(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
