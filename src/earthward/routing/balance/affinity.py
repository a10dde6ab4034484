"""Which places a conversation prefers, by rendezvous hashing (Thaler, Ravishankar, 1996): every place bids for it, and
one place more or less moves only the conversations it wins or loses.

Conversations share a thousand lots and the bids for a lot are counted once, so that a look-up costs the same for any
number of places.
"""

from collections.abc import Sequence
from hashlib import blake2b

LOTS = 1024
PREFERRED = 8


class Affinity:
    """The places of one provider by the names they keep, such as their URLs."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [name.encode() for name in names]
        self._known: dict[int, tuple[int, ...]] = {}

    def of(self, root: bytes) -> tuple[int, ...]:
        """The places preferred by the conversation with this root, first first, eight at most."""
        lot = int.from_bytes(blake2b(root, digest_size=4).digest()) % LOTS
        known = self._known.get(lot)
        if known is None:
            known = self._known[lot] = self._bids(lot)
        return known

    def _bids(self, lot: int) -> tuple[int, ...]:
        key = lot.to_bytes(2)
        bids = sorted((blake2b(name, key=key, digest_size=8).digest(), place) for place, name in enumerate(self._names))
        return tuple(place for _, place in bids[-PREFERRED:][::-1])
