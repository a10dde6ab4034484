import multiprocessing
import os
from pathlib import Path

import pytest

from earthward.config.snapshot import Account, Key, Quota
from earthward.gateway import meters
from earthward.gateway.limiting import Metered
from earthward.gateway.meters import CARRIED, SEGMENT, Meters, account_of
from earthward.routing.limits import IN_FLIGHT, LENGTH

WORKERS = 4
NOW = 1_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    meters.fresh(tmp_path / "meters", "first")
    return tmp_path / "meters" / "first"


def of(folder: Path, row: int, cell: int = 0, **quota: int) -> Metered:
    return Metered(Account("team", "web", cell, Quota(**quota)), Meters(folder, row, WORKERS + 1))


def test_processes_that_admit_as_fast_as_they_can_exceed_a_limit_by_at_most_one_for_each_other(folder):
    limit = 2000
    ready = multiprocessing.get_context("fork").Barrier(WORKERS)
    told = multiprocessing.get_context("fork").Queue()

    def hammer(row: int) -> None:
        mine = of(folder, row, rpm=limit)
        ready.wait()
        admitted = 0
        while mine.why_not(1, NOW) is None:
            mine.enter(1, NOW)
            admitted += 1
        told.put(admitted)

    workers = [multiprocessing.get_context("fork").Process(target=hammer, args=(row,)) for row in range(WORKERS)]
    for worker in workers:
        worker.start()
    admitted = [told.get() for _ in workers]
    for worker in workers:
        worker.join()
    assert limit <= sum(admitted) <= limit + WORKERS - 1
    assert of(folder, 0).use(NOW).requests == sum(admitted)


def test_who_takes_a_dead_processes_row_over_lets_go_of_what_it_held_and_keeps_what_it_counted(folder):
    def die() -> None:
        mine = of(folder, 1, cell=SEGMENT + 5)
        entered = mine.enter(7, NOW)
        mine.enter(9, NOW)
        mine.leave(entered, 7, 7, 500, NOW, 20_000)
        os._exit(9)

    process = multiprocessing.get_context("fork").Process(target=die)
    process.start()
    process.join()
    other = of(folder, 0, cell=SEGMENT + 5)
    assert other.use(NOW).in_flight == 1
    Meters(folder, 1, WORKERS + 1).take_over()
    assert (other.use(NOW).in_flight, other.use(NOW).requests) == (0, 2)
    assert other.spent(20_000) == [500, 500, 500]


def test_memory_goes_with_the_keys_that_have_limits(folder):
    mine = Meters(folder, 0, WORKERS + 1)
    assert list(folder.iterdir()) == []
    mine.place(SEGMENT * 3 + 1)
    (file,) = folder.iterdir()
    assert file.stat().st_size == (WORKERS + 1) * SEGMENT * LENGTH * 8
    assert file.stat().st_mode & 0o077 == 0


def test_each_process_finds_its_own_numbers_and_those_of_all_others(folder):
    cells, mine, places = Meters(folder, 2, WORKERS + 1).place(9)
    assert mine == places[2]
    cells[mine + IN_FLIGHT] = 5
    others, theirs, _ = Meters(folder, 3, WORKERS + 1).place(9)
    assert others[places[2] + IN_FLIGHT] == 5
    assert theirs == places[3]
    assert Meters(folder, 3, WORKERS + 1).place(10)[1] == theirs + LENGTH


def test_where_the_file_cannot_be_made_each_process_counts_alone(tmp_path):
    mine = of(tmp_path / "missing", 0, rpm=1)
    assert mine.why_not(1, NOW) is None
    mine.enter(1, NOW)
    assert mine.why_not(1, NOW) is not None


def test_one_that_starts_forgets_the_meters_of_those_before_it(folder):
    of(folder, 0).enter(1, NOW)
    meters.fresh(folder.parent, "second")
    assert [path.name for path in folder.parent.iterdir()] == ["second"]


def test_only_the_first_to_ask_is_told_that_it_is(folder):
    assert not Meters(folder, 0, 2).was_asked(CARRIED)
    assert [Meters(folder, 0, 2).is_first(CARRIED) for _ in range(2)] == [True, False]
    assert Meters(folder, 1, 2).was_asked(CARRIED)


def test_a_key_without_limits_has_no_meter():
    assert account_of(Key("a", b"")) is None
    assert account_of(Key("a", b"", meter=3)) is None
    assert account_of(Key("a", b"", quota=Quota(rpm=1), meter=3)).cell == SEGMENT + 3


def test_what_is_given_back_to_a_place_that_is_somebody_elses_by_now_is_not_counted_there(folder):
    mine = of(folder, 0)
    entered = mine.enter(5, NOW)
    them = Metered(Account("team", "them", 0, Quota()), Meters(folder, 0, WORKERS + 1))
    them.enter(1, NOW)
    mine.leave(entered, 5, 5, 100, NOW, 20_000)
    assert (them.use(NOW).in_flight, them.spent(20_000)) == (1, [0, 0, 0])
