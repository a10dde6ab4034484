"""Counts of what requests ask for that breaks on the way to Ollama, by application, for as long as it is observed.

Counts alone: no word of a request is kept. They lie in a file of each worker, which outlives it.
"""

from collections import Counter
from pathlib import Path

import msgspec

from earthward.dialects.breaks import found_in
from earthward.gateway.state import write_whole

MOST_APPS = 200
"""Applications beyond these are counted together: names of keys are the operator's, but there may be very many."""
OTHERS = "others"
NOBODY = "all"
"""Where callers have no keys."""
_BODY = msgspec.json.Decoder(dict[str, object])


class Seen(msgspec.Struct):
    """`met` counts requests by what was found in them, under its number and its name."""

    requests: int = 0
    met: dict[str, int] = {}


class Observed:
    """What one worker has counted. `path` is its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_news = False
        self._seen = read_counts(path)

    def take(self, app: str, path: str, body: bytes) -> None:
        try:
            asked = _BODY.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return
        name = app or NOBODY
        if name not in self._seen and len(self._seen) >= MOST_APPS:
            name = OTHERS
        seen = self._seen.setdefault(name, Seen())
        seen.requests += 1
        met = Counter(seen.met)
        met.update(f"{one.number} {one.what}" for one in found_in(path, asked))
        seen.met = dict(met)
        self._is_news = True

    def save(self) -> None:
        """Raises OSError."""
        if self._is_news:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            write_whole(self._path, msgspec.json.encode(self._seen))
            self._is_news = False


def read_counts(path: Path) -> dict[str, Seen]:
    """Nothing where there is no file, or none of ours."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Seen])
    except (OSError, msgspec.DecodeError):
        return {}
