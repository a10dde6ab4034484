"""Which models give vectors, told by their names; and whose vectors may stand in one index."""

from fnmatch import fnmatchcase

NAMES = (
    *("*embed*", "*bge-*", "*gte-*", "*e5-*", "e5-*", "all-minilm*", "*minilm-l*", "*paraphrase-*", "*gecko*"),
    *("voyage-*", "*sentence-t5*", "*stella*", "*sfr-*"),
)
"""Globs, for names in small letters. A target of another name says `abilities: [embeddings]`."""


def gives_vectors(model: str) -> bool:
    name = model.lower()
    return any(fnmatchcase(name, glob) for glob in NAMES)


def space_of(model: str, stated: str | None = None) -> str:
    """Vectors of two targets may be compared where this is the same: the model, or the name that the operator gives to
    one that has several names."""
    return stated or model.lower().removesuffix(":latest")
