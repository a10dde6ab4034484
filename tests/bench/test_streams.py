import os
from typing import Any

import pytest
import uvloop

from earthward.bench.streams import Course, Measure, Report, shown
from earthward.simulator import Simulator


def measured(script: Any = None, **course: Any) -> Report:
    async def play() -> Report:
        async with Simulator() as simulator:
            if script is not None:
                script(simulator)
            given = {"url": simulator.url, "streams": 10, "rate": 100, "seconds": 0.15, "ramp": 0.05} | course
            return await Measure(Course(**given)).run()

    return uvloop.run(play())


def test_every_chunk_of_every_stream_is_measured():
    report = measured()
    assert (report.whole, report.broken, report.chunks) == (10, {}, 10 * 20)
    assert report.delay["min"] is not None
    assert report.delay["min"] >= 0
    assert report.first["p50"] is not None


def test_the_cost_of_a_process_is_told_by_chunk_and_by_stream():
    report = measured(pids=(os.getpid(),), streams=20, seconds=0.4)
    (cost,) = report.processes
    assert cost.pid == os.getpid()
    assert cost.cpu_per_chunk is not None
    assert cost.cpu_per_chunk > 0
    assert cost.rss_open > 0
    assert f"process  {os.getpid()}" in shown(report)


@pytest.mark.parametrize(
    ("behaviour", "named"),
    [
        ({"fault": "500"}, "status_500"),
        ({"fault": "reset_mid_body"}, "broken"),
        ({"fault": "no_done"}, "no_done"),
        ({"fault": "cut_short"}, "short"),
        ({"fault": "bad_chunk_size"}, "malformed"),
        ({"fault": "stall"}, "timeout"),
        ({"say": "t0 t2 t1"}, "out_of_order"),
    ],
)
def test_a_stream_that_breaks_is_counted_and_named(behaviour, named):
    def script(simulator: Simulator) -> None:
        simulator.script.queue(behaviour, times=3)

    report = measured(script, timeout=2.0 if named == "timeout" else 90.0)
    assert (report.whole, report.broken) == (7, {named: 3})


def test_a_stream_read_in_pieces_of_events_is_whole_all_the_same():
    def script(simulator: Simulator) -> None:
        simulator.script.queue({"fault": "sliced"}, times=10)

    report = measured(script)
    assert (report.whole, report.chunks) == (10, 200)


def test_a_server_that_is_gone_is_told():
    report = measured(lambda simulator: simulator.refuse())
    assert (report.whole, report.broken) == (0, {"refused": 10})
