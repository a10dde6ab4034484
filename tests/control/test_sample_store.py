import asyncio
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine

from earthward.control import sample_store
from earthward.control.sample_store import MOST_UNWRITTEN, SampleStore
from earthward.store import quality, tables
from earthward.store.content import ContentKeys
from earthward.store.quality import Answered, Content, Kept, Looked, Pair

KEYS = ContentKeys(["k" * 32])
FOR_EVER = 2**62


def looked(number: int, *, stage: int | None = 0, text: str = "yes") -> Looked:
    kept = Kept(f"x{number}", "chat", "", number, FOR_EVER, Content("what?", Answered("mini", text)))
    ends = ("j", 0.5, "checks", 3, 3, None, None)
    pair = Pair(f"x{number}", "chat", "", number, "u", stage, 0, *ends)  # type: ignore[arg-type]
    return Looked(kept, pair)


@pytest.fixture
def engine(tmp_path):
    engine = tables.open(f"sqlite:///{tmp_path}/store.db?timeout=0.05")
    yield engine
    engine.dispose()


class Written:
    def __init__(self, engine: Engine | None) -> None:
        self.engine = engine
        self.done: Counter[tuple[str, str]] = Counter()
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.asked = 0
        self.store = SampleStore(self.parts, self.done, self.dropped)

    def parts(self) -> tuple[Engine, ContentKeys] | None:
        self.asked += 1
        return None if self.engine is None else (self.engine, KEYS)

    @property
    def counted(self) -> int:
        return self.done["chat", "kept"] + self.dropped["chat", "store away"]

    async def put(self, *given: Looked) -> None:
        """Until all are counted."""
        running = asyncio.create_task(self.store.run())
        for one in given:
            await self.store.put(one)
        while self.counted < len(given):
            await asyncio.sleep(0.01)
        running.cancel()


def test_what_gathers_is_written_together(engine: Engine) -> None:
    written = Written(engine)
    asyncio.run(written.put(*map(looked, range(10))))
    assert len(quality.pairs_of(engine, "chat")) == 10
    assert written.done == {("chat", "kept"): 10, ("chat", "pair"): 10}
    assert written.asked == 2, "once for the ten, once for the nothing that was left at the end"


def test_what_is_only_kept_is_no_pair(engine: Engine) -> None:
    written = Written(engine)
    asyncio.run(written.put(Looked(looked(1).kept)))
    assert written.done == {("chat", "kept"): 1}


def test_one_that_no_store_takes_takes_no_other_with_it(engine: Engine) -> None:
    written = Written(engine)
    asyncio.run(written.put(looked(1), looked(2, stage=None), looked(3)))
    assert [pair.exchange for pair in quality.pairs_of(engine, "chat")] == ["x1", "x3"]
    assert (written.done["chat", "kept"], written.dropped["chat", "store away"]) == (2, 1)


def test_a_store_that_is_away_is_asked_once_and_all_are_counted(engine: Engine) -> None:
    written = Written(engine)
    with engine.connect().execution_options(earthward_writes=True) as other, other.begin():
        asyncio.run(written.put(*map(looked, range(20))))
    assert written.dropped == {("chat", "store away"): 20}
    assert written.asked == 2
    assert quality.pairs_of(engine, "chat") == []


def test_before_the_store_is_open_all_are_counted() -> None:
    written = Written(None)
    asyncio.run(written.put(looked(1)))
    assert written.dropped == {("chat", "store away"): 1}


def test_what_is_left_at_the_end_is_written(engine: Engine) -> None:
    async def stop() -> None:
        written = Written(engine)
        running = asyncio.create_task(written.store.run())
        await asyncio.sleep(0)
        await written.store.put(looked(1))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(stop())
    assert len(quality.pairs_of(engine, "chat")) == 1


@pytest.mark.parametrize(
    ("most", "text"), [(MOST_UNWRITTEN, "yes"), (2, "x" * (sample_store.MOST_BYTES // 2))], ids=["many", "large"]
)
def test_who_has_one_more_than_may_be_on_its_way_waits(engine: Engine, most: int, text: str) -> None:
    async def fill() -> bool:
        written = Written(engine)
        for number in range(most):
            await written.store.put(looked(number, text=text))
        one_more = asyncio.create_task(written.store.put(looked(most)))
        await asyncio.sleep(0.01)
        waited = not one_more.done()
        running = asyncio.create_task(written.store.run())
        await one_more
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return waited

    assert asyncio.run(fill())
    assert len(quality.pairs_of(engine, "chat")) == most + 1


def test_content_on_its_way_lies_nowhere_in_the_open(engine: Engine, tmp_path: Path) -> None:
    asyncio.run(Written(engine).put(looked(1, text="canary-8812")))
    for path in tmp_path.iterdir():
        assert b"canary-8812" not in path.read_bytes()
