import asyncio

from earthward.control.purses import NANOSECONDS_PER_DAY, Purses

DAY = 20_000 * NANOSECONDS_PER_DAY


def test_what_is_set_aside_is_on_the_disk_before_anything_is_sent_and_counts_after_a_crash(tmp_path):
    path = tmp_path / "spend"

    async def spend() -> None:
        purses = Purses(path)
        assert await purses.reserve("chat", "a", 600, 1000, DAY)
        assert await purses.reserve("chat", "b", 300, 1000, DAY)
        await purses.settle("chat", "b", 20)

    asyncio.run(spend())

    async def go_on() -> list[bool]:
        purses = Purses(path)
        return [await purses.reserve("chat", name, amount, 1000, DAY) for name, amount in (("c", 381), ("d", 380))]

    assert asyncio.run(go_on()) == [False, True], "600 were never settled, 20 were spent"


def test_what_a_crash_left_open_burdens_its_own_day_alone(tmp_path):
    async def spend(day: int) -> bool:
        return await Purses(tmp_path / "spend").reserve("chat", f"n{day}", 1000, 1000, DAY + day * NANOSECONDS_PER_DAY)

    assert [asyncio.run(spend(day)) for day in (0, 0, 1)] == [True, False, True]


def test_many_at_once_keep_to_the_limit(tmp_path):
    async def spend() -> int:
        purses = Purses(tmp_path / "spend")
        names = (f"n{number}" for number in range(40))
        return sum(await asyncio.gather(*(purses.reserve("chat", name, 100, 1000, DAY) for name in names)))

    assert asyncio.run(spend()) == 10


def test_routes_have_purses_of_their_own_and_what_is_free_needs_none(tmp_path):
    async def spend() -> list[bool]:
        purses = Purses(tmp_path / "spend")
        return [
            await purses.reserve("chat", "a", 1000, 1000, DAY),
            await purses.reserve("code", "b", 1000, 1000, DAY),
            await purses.reserve("chat", "c", 0, 0, DAY),
            await purses.reserve("chat", "d", 1, 1000, DAY),
        ]

    assert asyncio.run(spend()) == [True, True, True, False]


def test_a_file_that_is_broken_or_can_not_be_written_lets_nothing_be_spent(tmp_path):
    broken = tmp_path / "spend"
    broken.write_bytes(b"half")

    async def spend(path) -> bool:
        return await Purses(path).reserve("chat", "a", 1, 1000, DAY)

    assert not asyncio.run(spend(broken))
    assert "move it away" in Purses(broken).problem
    assert broken.read_bytes() == b"half"
    assert not asyncio.run(spend(tmp_path / "no such folder" / "spend"))
