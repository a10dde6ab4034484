"""A target's refusal in the caller's terms: that it is the target's, and which field of the caller's it is about.

Which field is which is not written down anywhere: the dialects' own writers say it, each word in turn.
"""

import itertools
import re
from functools import cache

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.callers_fields import CONVERSATION
from earthward.dialects.fates import SPEAKERS, fields
from earthward.dialects.words import WORDS

_SPEAKERS = {speaker.name: speaker for speaker in SPEAKERS}
_SAID = frozenset({*CONVERSATION.values(), "system", "system_instruction", "instructions"})
_CHATS = {"openai_embeddings": "openai_chat", "ollama_embeddings": "ollama", "gemini_embeddings": "gemini"}
"""Dialects of embeddings, and those of chats whose errors they share."""
_ABOUT_THE_REQUEST = (FailureKind.BAD_REQUEST, FailureKind.UNSUPPORTED)
_WHERE = tuple(
    re.compile(pattern)
    for pattern in (
        # Google names the member and the object it stands in, or the field from the type of the request on.
        r"Unknown name \"(?P<name>\w+)\"(?: at '(?P<field>[\w.\[\]]+)')?",
        r" at '(?P<field>[\w.\[\]]+)'",
        r"\* \w+Request\.(?P<field>[\w.\[\]]+)",
        # Ollama is written in Go.
        r"Go struct field \w+\.(?P<field>[\w.]+)",
        # Anthropic begins with it, OpenAI has it in quotes.
        r"^(?P<field>[a-z_]+(?:\.\w+)*): ",
        r"(?:parameter|argument|type for|value for|value):? '(?P<field>[\w.\[\]]+)'",
    )
)
_PLACE = re.compile(r"\[\d*\]|\.\d+(?=\.|$)")


def in_the_callers_terms(caller: str, target: str, failure: Failure) -> Failure:
    """`caller` and `target` are the names of their dialects. What is not about the request, or not the target's own
    words, stays as it is."""
    caller = _CHATS.get(caller, caller)
    if caller == target or not failure.quoted or failure.kind not in _ABOUT_THE_REQUEST:
        return failure
    theirs = failure.param or _field_in(failure.message)
    own = None if theirs is None else _own_field(caller, target, theirs)
    title = _SPEAKERS[target].title if target in _SPEAKERS else target
    about = f" (its `{theirs}` is your `{own}`)" if own is not None and own != theirs else ""
    message = f"the target, which speaks {title}, refused the request: {failure.message}{about}"
    return msgspec.structs.replace(failure, message=message, param=own)


def _field_in(message: str) -> str | None:
    for pattern in _WHERE:
        found = pattern.search(message)
        if found is not None:
            told = found.groupdict()
            return ".".join(part for part in (told.get("field"), told.get("name")) if part)
    return None


def _own_field(caller: str, target: str, theirs: str) -> str | None:
    """The caller's field for one of the target's, or for what that stands in; None if none is known."""
    known = _counterparts(caller, target)
    steps = _plain(theirs).split(".")
    for end in range(len(steps), 0, -1):
        own = known.get(".".join(steps[:end]))
        if own is not None:
            return own
    return CONVERSATION.get(caller) if steps[0] == _plain(CONVERSATION.get(target, "-")) else None


@cache
def _counterparts(caller: str, target: str) -> dict[str, str]:
    """By the target's fields the caller's; nothing of dialects in which there are no chats."""
    found: dict[str, str] = {}
    if caller not in _SPEAKERS or target not in _SPEAKERS:
        return found
    for word in WORDS:
        own = _common([name for name in fields(_SPEAKERS[caller], word) if not _is_said(name)])
        for name in fields(_SPEAKERS[target], word):
            if own and not _is_said(name) and not name.endswith(".type"):
                found.setdefault(_plain(name), own)
    return found


def _common(names: list[str]) -> str:
    """What all these stand in, without places in lists; empty for none."""
    steps = [name.removesuffix(".type").replace("[]", "").split(".") for name in names]
    shared = zip(*steps, strict=False)
    return ".".join(step[0] for step in itertools.takewhile(lambda step: len(set(step)) == 1, shared))


def _is_said(name: str) -> bool:
    """What is said is counted in other places by everybody."""
    return _plain(name).split(".")[0] in _SAID


def _plain(name: str) -> str:
    """Without places in lists, and in small letters."""
    bare = _PLACE.sub("", name)
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), bare)
