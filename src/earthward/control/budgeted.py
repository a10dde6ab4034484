"""Asks what no caller waits for within a route's budget: the worst case is set aside first, and what came is booked."""

import asyncio
import time
from collections.abc import Callable

import msgspec

from earthward.chat import ChatRequest
from earthward.config.snapshot import Deadlines, Route
from earthward.control.asking import Answered, Asking, is_free
from earthward.control.purses import Purses
from earthward.control.sample_reading import is_only_text
from earthward.control.shadow_records import record_of
from earthward.gateway.samples import Sample
from earthward.gateway.serving import ServingTarget
from earthward.ledger.record import Record
from earthward.quality.spend import worst_of

PATIENCE = 60.0
"""Seconds for which one sample waits for room at a target."""
LOOK = 0.1
MOST_ANSWERED = 4096
"""Tokens that a shadow may answer where the request states no limit: without one, no worst case would be known."""


class NotNow(Exception):
    """This sample can't be compared; why, in one word for a counter."""


class Budgeted:
    """`put_on_record` takes what was asked to the ledger."""

    def __init__(self, asking: Asking, purses: Purses, put_on_record: Callable[[Record], None]) -> None:
        self._asking = asking
        self._purses = purses
        self._put_on_record = put_on_record
        self._count = 0
        self._boot = f"{time.time_ns():x}"

    def has_room(self, route: Route, amount: int) -> bool:
        """Whether so many nano-dollars may be spent today."""
        assert route.sampling is not None
        return self._purses.has_room(route.name, amount, route.sampling.budget, time.time_ns())

    async def ask(
        self,
        sample: Sample,
        route: Route,
        target: ServingTarget,
        chat: ChatRequest,
        path: str,
        amount: int,
        deadlines: Deadlines,
    ) -> Answered:
        """One question that costs `amount` nano-dollars at most, once there is room and money for it, booked under
        `path`. Raises NotNow."""
        assert route.sampling is not None
        place = await self._place(target)
        bound = self._asking.why_not(target, place, sample.data_class, route.boundary)
        if bound is not None:
            raise NotNow("bound")
        self._count += 1
        name = f"{self._boot}-{self._count:x}"
        if not await self._purses.reserve(sample.route, name, amount, route.sampling.budget, time.time_ns()):
            raise NotNow("budget")
        cost: int | None = None
        try:
            answered = await self._asking.ask(target, place, chat, deadlines)
            cost = answered.cost
            self._put_on_record(record_of(sample, path, name, target, answered, f"beside {sample.id}"))
        finally:
            await self._purses.settle(sample.route, name, cost)
        return answered

    async def _place(self, target: ServingTarget) -> int:
        end = time.monotonic() + PATIENCE
        while (place := self._asking.place(target)) is None:
            if time.monotonic() > end:
                raise NotNow("busy")
            await asyncio.sleep(LOOK)
        return place


def worst_case(target: ServingTarget, chat: ChatRequest) -> int:
    """Nano-dollars that it may cost at most. Raises NotNow where that can't be known."""
    if is_free(target):
        return 0
    if not is_only_text(chat):
        raise NotNow("not bounded")
    most = most_of(chat)
    size = len(msgspec.json.encode((chat.messages, chat.tools, chat.output)))
    amount = worst_of(target.target, size, len(chat.messages), most * max(1, chat.answers), has_tools=bool(chat.tools))
    if amount is None:
        raise NotNow("no price")
    return amount


def most_of(chat: ChatRequest) -> int:
    """Tokens. Callers of servers in the house say by a number below one that they state no limit."""
    stated = chat.max_tokens or 0
    return stated if stated > 0 else MOST_ANSWERED
