import multiprocessing
import os

from earthward.gateway import board
from earthward.gateway.board import RING, Board


def test_everybody_reads_what_one_worker_writes(tmp_path):
    board.create(tmp_path / "board")
    first, second = Board(tmp_path / "board", 0), Board(tmp_path / "board", 1)
    first.enter(7)
    second.enter(7, 3)
    first.set(board.CONNECTIONS, 5)
    assert second.in_flight(7) == 4
    assert first.total(board.CONNECTIONS) == 5
    assert second.column(board.CONNECTIONS)[:3] == [5, 0, 0]


def test_a_dead_workers_requests_in_flight_count_no_more_once_its_row_is_cleared(tmp_path):
    board.create(tmp_path / "board")
    mine = Board(tmp_path / "board", 0)

    def die_in_mid_request() -> None:
        Board(tmp_path / "board", 1).enter(3, 10)
        os._exit(9)

    mine.enter(3)
    process = multiprocessing.get_context("fork").Process(target=die_in_mid_request)
    process.start()
    process.join()
    assert mine.in_flight(3) == 11
    mine.clear(1)
    assert mine.in_flight(3) == 1


def test_the_ring_tells_the_latest_seconds_of_all_workers_and_forgets_the_others(tmp_path):
    board.create(tmp_path / "board")
    first, second = Board(tmp_path / "board", 0), Board(tmp_path / "board", 1)
    for second_now in range(100, 140):
        first.count_request(second_now, retry=False)
        second.count_request(second_now, retry=second_now % 2 == 0)
    assert first.by_second(139) == [(2, 0), (1, 1)] * (RING // 2)
    assert second.by_second(141)[:4] == [(0, 0), (0, 0), (2, 0), (1, 1)]
    assert set(first.by_second(500)) == {(0, 0)}


def test_a_new_board_does_not_disturb_those_who_have_the_old_one(tmp_path):
    board.create(tmp_path / "board")
    old = Board(tmp_path / "board", 0)
    old.enter(1)
    board.create(tmp_path / "board")
    assert old.in_flight(1) == 1
    assert Board(tmp_path / "board", 0).in_flight(1) == 0
    assert (tmp_path / "board").stat().st_mode & 0o077 == 0
