"""How one request is to be answered, and how that is written down in headers, model names and messages.

Knows nothing of any vendor's wire format; what a fault's name means is the fault table's business.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from earthward.dialects.json_limits import NOT_JSON

Finish = Literal["stop", "length", "tool_calls", "content_filter"]


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer. Times are in seconds.

    `head` is when the status goes out (None: together with the first token), `first` when the first token does;
    then come `chunk` tokens at a time, at `rate` tokens per second or every `gap`, each wait varied by up to
    `jitter` of itself. `text` is numbered tokens, words, or what `say` says; with `stamp` each token carries the
    machine's monotonic clock in nanoseconds, as it was when the token was written. `calls` is the number of tool
    calls, their arguments sent `fragment` characters at a time. `cached` of the input tokens were read from a cache
    and `cache_written` stored in it; `reasoning` tokens are thought before the answer. The text rests on `cited` pages
    of the web. `fault` is a name from the
    fault table; it strikes after `after` pieces, or waits or lasts `wait` seconds, or is `size` bytes large,
    whichever it knows.
    """

    text: Literal["numbered", "words"] = "numbered"
    say: str | None = None
    tokens: int = 24
    stamp: bool = False
    head: float | None = None
    first: float = 0.0
    rate: float | None = None
    gap: float | None = None
    chunk: int = 1
    jitter: float = 0.0
    calls: int = 0
    arguments: str | None = None
    fragment: int = 8
    refusal: str | None = None
    finish: Finish | None = None
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    cited: int = 0
    headers: dict[str, str] = {}
    fault: str | None = None
    after: int = 3
    wait: float | None = None
    size: int | None = None
    retry_after: float | None = None

    @property
    def pause(self) -> float:
        """Seconds between two chunks."""
        if self.gap is not None:
            return self.gap
        return self.chunk / self.rate if self.rate else 0.0


FIELDS = tuple(Behaviour.__struct_fields__)
MOST_TOKENS = 1_000_000
"""Of one answer. A directive can stand in any message, and one for more would take minutes and gigabytes."""
MOST_CALLS = 128
_LOOKED_AT = 1_000_000
"""Characters at the end of a text in which a directive is looked for, and how many times `sim:` may stand in them."""
_MENTIONS = 64


class BadScript(ValueError):
    """A script that says something nobody understands. The message names what is known."""


def unknown(kind: str, name: str, known: tuple[str, ...]) -> BadScript:
    nearest = difflib.get_close_matches(name, known, 1)
    guess = f" (did you mean {nearest[0]!r}?)" if nearest else ""
    return BadScript(f"unknown {kind} {name!r}{guess}; known: {', '.join(known)}")


def behaviour(*layers: Mapping[str, Any]) -> Behaviour:
    """The behaviour that these layers describe, later ones over earlier ones. Numbers may be text. Raises BadScript."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    for name in merged:
        if name not in FIELDS:
            raise unknown("field", name, FIELDS)
    if isinstance(merged.get("fault"), int):
        merged["fault"] = str(merged["fault"])
    try:
        made = msgspec.convert(merged, Behaviour, strict=False)
    except msgspec.ValidationError as problem:
        raise BadScript(str(problem)) from problem
    if made.tokens < 0 or made.chunk < 1 or made.fragment < 1 or not 0 <= made.jitter <= 1:
        raise BadScript("tokens must be 0 or more, chunk and fragment 1 or more, jitter between 0 and 1")
    if max(made.tokens, made.reasoning) > MOST_TOKENS or max(made.calls, made.cited) > MOST_CALLS:
        raise BadScript(f"tokens and reasoning are at most {MOST_TOKENS}, calls and cited at most {MOST_CALLS}")
    return made


# `sim:` and then an object or a list of name=value, to the end of what can be read so.
_DIRECTIVE = re.compile(r"\bsim:\s*(\{[^\n]*\}|[a-z_]+=[^\s,;]+(?:[ ,;]+[a-z_]+=[^\s,;]+)*)")
_PAIR = re.compile(r"([a-z_]+)=([^\s,;]+)")


def directive(text: str) -> str | None:
    """What stands behind the last `sim:` in a text, if it can be read as a directive."""
    if "sim:" not in text:
        return None
    text = text[-_LOOKED_AT:]
    # Each mention that opens an object is looked through to the end of its line.
    if text.count("sim:") > _MENTIONS:
        return None
    found = _DIRECTIVE.findall(text)
    return found[-1] if found else None


def split_model(model: str) -> tuple[str, str | None]:
    """The model's own name, and the directive behind it: `gpt-4o sim:tokens=5` or `gpt-4o+sim:tokens=5`."""
    if "sim:" not in model:
        return model, None
    return model.partition("sim:")[0].rstrip(" +/:;,-@"), directive(model)


def layer(written: str) -> dict[str, Any]:
    """A directive or header as a layer: `{"tokens": 5}` or `tokens=5 fault=500`. Raises BadScript."""
    if not written.lstrip().startswith("{"):
        pairs = _PAIR.findall(written)
        if not pairs:
            raise BadScript(f"cannot read {written[:80]!r}: write a JSON object or name=value")
        return dict(pairs)
    try:
        read = msgspec.json.decode(written)
    except (*NOT_JSON, UnicodeEncodeError) as problem:
        raise BadScript(f"cannot read {written[:80]!r}: {problem}") from problem
    if not isinstance(read, dict):
        raise BadScript("a behaviour is a JSON object")
    return read
