"""What shadows and judges of each route have spent today, written down before anything that costs is sent."""

import asyncio
from pathlib import Path

import msgspec

from earthward.gateway.state import write_whole
from earthward.quality.spend import Purse, has_room, reserve, settle, settle_lost

NANOSECONDS_PER_DAY = 86_400 * 1_000_000_000


class Purses:
    """`path` is their file. One that can't be written refuses to spend; one that can't be read stops all spending."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self.problem = ""
        try:
            self.purses = msgspec.msgpack.decode(path.read_bytes(), type=dict[str, Purse])
        except FileNotFoundError:
            self.purses = {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            self.purses = {}
            self.problem = f"{path} can't be read, so nothing is spent; move it away to begin anew: {error}"
        for purse in self.purses.values():
            settle_lost(purse)

    async def reserve(self, route: str, name: str, amount: int, limit: int, now: int) -> bool:
        """Whether so much may be spent, `now` in Unix nanoseconds; it is set aside on the disk then."""
        if not amount:
            return True
        async with self._lock:
            purse = self.purses.setdefault(route, Purse())
            if self.problem or not reserve(purse, now // NANOSECONDS_PER_DAY, name, amount, limit):
                return False
            try:
                await self._save()
            except OSError:
                settle(purse, name, 0)
                return False
            return True

    def has_room(self, route: str, amount: int, limit: int, now: int) -> bool:
        """Whether so much could be set aside now."""
        purse = self.purses.setdefault(route, Purse())
        return not self.problem and has_room(purse, now // NANOSECONDS_PER_DAY, amount, limit)

    async def settle(self, route: str, name: str, actual: int | None) -> None:
        async with self._lock:
            purse = self.purses.get(route)
            if purse is None or (name not in purse.held and not actual):
                return
            settle(purse, name, actual)
            try:
                await self._save()
            except OSError:
                # On the disk it stays set aside, at its worst case.
                return

    async def _save(self) -> None:
        data = msgspec.msgpack.encode(self.purses)
        await asyncio.to_thread(write_whole, self._path, data)
