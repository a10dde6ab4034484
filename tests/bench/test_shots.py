from collections.abc import Iterator
from pathlib import Path

import pytest

from earthward.bench import shots
from earthward.bench.peers import Place, Running, simulator
from earthward.bench.shots import Way


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shots")
    with Running(simulator(Place(0, folder)), folder / "log", None) as running:
        yield running


def test_rounds_are_interleaved() -> None:
    order: list[str] = []
    ways = {"a": Way("http://a"), "b": Way("http://b")}
    results = shots.rounds(2, ways, lambda way: way.url, lambda name, _: order.append(name))
    assert order == ["a", "b", "a", "b"]
    assert results == {"a": ["http://a"] * 2, "b": ["http://b"] * 2}


def test_a_ratio_is_taken_within_a_round_so_that_a_slow_round_changes_nothing() -> None:
    assert shots.paired([100.0, 10.0, 100.0], [50.0, 5.0, 50.0], shots.ratio) == 2.0


def test_a_round_in_which_one_failed_counts_for_neither() -> None:
    assert shots.paired([100.0, None], [50.0, 1.0], shots.ratio) == 2.0
    assert shots.paired([None], [1.0], shots.ratio) is None


def test_a_shot_counts_answers_and_what_they_cost_the_server(upstream: Running) -> None:
    way = Way(upstream.url, pids=tuple(process.pid for process in upstream.processes))
    shot = shots.shoot(way, 2, 1, None)
    assert shot.rate > 1
    assert shot.failed == 0
    assert 0 < shot.p50 <= shot.p99
    assert shot.cpu is not None
    assert shot.cpu > 0


def test_an_answer_that_is_an_error_is_counted_as_failed(upstream: Running) -> None:
    shot = shots.shoot(Way(f"{upstream.url}/nowhere"), 1, 1, None)
    assert shot.failed > 0


def test_streams_are_counted_whole_and_their_chunks_timed(upstream: Running) -> None:
    way = Way(upstream.url, pids=tuple(process.pid for process in upstream.processes))
    streams = shots.stream(way, 3, 20, 1, 0.1, None)
    assert streams.whole == 3
    assert streams.broken == {}
    assert streams.p99 is not None
    assert streams.p99 > 0


def test_a_measurement_that_says_nothing_is_an_error_not_a_zero(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="gave no result"):
        shots.stream(Way("ftp://nowhere"), 1, 1, 1, 0, None)
