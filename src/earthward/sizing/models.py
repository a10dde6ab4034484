"""The shape of models that can be hosted: what memory and speed follow from. Files are those of Ollama's library at
about four bits a weight."""

from functools import cache
from importlib.resources import files

import msgspec

from earthward.sizing.gpus import named

EMBEDDING_BITS = 4.5


class Model(msgspec.Struct, frozen=True):
    """`file_bytes` on disk; `context` in tokens; `window_layers` of the layers attend to the last `window` tokens
    only; of `experts`, `experts_used` work on one token. `tied`: the input embedding is the output's too."""

    name: str
    file_bytes: int
    parameters: int
    active_parameters: int
    layers: int
    kv_heads: int
    head_size: int
    embedding: int
    vocabulary: int
    tied: bool
    context: int
    window: int = 0
    window_layers: int = 0
    experts: int = 0
    experts_used: int = 0

    @property
    def weight_bytes(self) -> int:
        """On the GPU: an input embedding of its own stays in main memory."""
        apart = 0 if self.tied else int(self.vocabulary * self.embedding * EMBEDDING_BITS / 8)
        return self.file_bytes - apart


@cache
def models() -> dict[str, Model]:
    text = (files("earthward.sizing") / "data/models.json").read_bytes()
    return {model.name: model for model in msgspec.json.decode(text, type=list[Model])}


def model(name: str) -> Model:
    """By its name in Ollama's library. Raises gpus.UnknownName."""
    return named(models(), name, "model")
