import asyncio
import time
from pathlib import Path
from typing import Any

from earthward.chat import ChatRequest, Message, Role, Text
from earthward.chat.usage import Count, Usage
from earthward.config.snapshot import Endpoint, Price, Provider, Rate, Snapshot, Target
from earthward.control.asking import Asking, billed, way_for
from earthward.fleet.found import Probed
from earthward.gateway import board as boards
from earthward.gateway.board import Board
from earthward.routing.balance.standing import Report
from earthward.routing.balance.view import Resident

SHORT, LONG = Price(1000, 0, 1000, 1000), Price(2000, 0, 2000, 2000)
NONE = Count.reported(0)


class Served:
    def __init__(self, zone: str, price: Price = SHORT, *rates: Rate) -> None:
        self.target = Target("a", "b", "c", zone, price=price, rates=rates)


def used(tokens: int) -> Usage:
    return Usage(Count.reported(tokens), NONE, NONE, NONE)


def test_a_shadow_with_a_long_prompt_costs_what_a_caller_with_it_pays() -> None:
    cloud = Served("cloud", SHORT, Rate(SHORT, up_to=10), Rate(LONG, above=10))
    assert [billed(cloud, used(tokens), 0, was_billed=True) for tokens in (10, 11)] == [10, 22]


def test_what_was_not_billed_or_runs_in_the_house_costs_nothing_and_what_is_not_known_is_unknown() -> None:
    assert billed(Served("cloud"), used(5), 0, was_billed=False) == 0
    assert billed(Served("local", Price()), used(5), 0, was_billed=True) == 0
    assert billed(Served("cloud", Price()), used(5), 0, was_billed=True) is None
    assert billed(Served("cloud"), Usage(), 0, was_billed=True) is None


def test_a_shadow_has_no_model_loaded_anew_that_has_context_enough(tmp_path: Path) -> None:
    boards.create(tmp_path / "board")
    url = "http://gpu-1:11434"
    provider = Provider("gpus", "ollama", "ollama", "local", (Endpoint(url, 0),))
    tiered = Target("t", "gpus", "llama3", "local", context=32768, tiers=(4096, 16384, 32768))
    plain = Target("p", "gpus", "qwen3", "local", context=8192)

    def context(asking: Asking, name: str, characters: int) -> Any:
        target = asking.target(name)
        assert target is not None
        chat = ChatRequest("m", (Message(Role.USER, (Text("x" * characters),)),), max_tokens=100)
        return getattr(way_for(target, 0, chat), "context", None)

    async def play() -> list[Any]:
        asking = Asking(Board(tmp_path / "board", 0), {})
        asking.take_over(Snapshot("v", "d", (provider,), (tiered, plain), ()))
        assert asking.serving is not None
        cold = [context(asking, "t", 100), context(asking, "t", 40_000), context(asking, "p", 100)]
        resident = Resident("llama3:latest", 16384, 1, 1)
        asking.serving.hear([Probed("gpus", url, Report(time.monotonic(), (resident,)))])
        return [*cold, context(asking, "t", 100), context(asking, "t", 100_000)]

    assert asyncio.run(play()) == [4096, 16384, 8192, 16384, 32768]
