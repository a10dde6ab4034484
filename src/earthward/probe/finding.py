"""What a look at something found, and what to do about it."""

from typing import Literal

import msgspec

State = Literal["ok", "note", "problem"]


class Finding(msgspec.Struct, frozen=True):
    """`about` is what was looked at. A note is worth knowing; a problem keeps something from working or being safe.

    No finding holds a secret, nor anything that an upstream wrote beyond names of models.
    """

    about: str
    state: State
    what: str
    do: str = ""


def ok(about: str, what: str) -> Finding:
    return Finding(about, "ok", what)


def note(about: str, what: str, do: str = "") -> Finding:
    return Finding(about, "note", what, do)


def problem(about: str, what: str, do: str) -> Finding:
    return Finding(about, "problem", what, do)
