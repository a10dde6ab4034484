"""How long workers wait for a core, as the system tells it; by files like its own, and by processes that compete."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from earthward.control.crowding import WINDOW, Crowding

NANO = 1_000_000_000


def tell(processes: Path, pid: int, waited: int) -> None:
    (processes / str(pid)).mkdir(exist_ok=True)
    (processes / str(pid) / "schedstat").write_text(f"5000000000 {waited} 1234\n")


class Clock:
    def __init__(self) -> None:
        self.now = 5 * NANO

    def __call__(self) -> int:
        return self.now

    def passed(self) -> None:
        self.now += int(WINDOW * NANO)


def test_it_tells_the_part_of_the_time_in_which_the_worker_that_waits_most_has_waited(tmp_path):
    clock = Clock()
    crowding = Crowding(lambda: [11, 0, 12], tmp_path, clock)
    for pid in (11, 12):
        tell(tmp_path, pid, 7 * NANO)
    assert crowding.part() == 0.0, "nothing is known of what was before"
    tell(tmp_path, 11, 7 * NANO + 10_000_000)
    tell(tmp_path, 12, 7 * NANO + 100_000_000)
    clock.passed()
    part = crowding.part()
    assert part == 0.1 / WINDOW
    tell(tmp_path, 12, 8 * NANO)
    assert crowding.part() == part, "not looked at anew for every sample"
    tell(tmp_path, 12, 7 * NANO + 100_000_000)
    clock.passed()
    assert crowding.part() == 0.0


def test_a_worker_that_is_new_or_gone_is_no_crowd(tmp_path):
    here = [11]
    clock = Clock()
    crowding = Crowding(lambda: here, tmp_path, clock)
    tell(tmp_path, 11, 9 * NANO)
    crowding.part()
    here[:] = [12]
    tell(tmp_path, 12, 90 * NANO)
    clock.passed()
    assert crowding.part() == 0.0
    tell(tmp_path, 12, 0)
    clock.passed()
    assert crowding.part() == 0.0, "a number may be another process's by now"


@pytest.mark.parametrize("told", [None, "", "12", "a b c", "\0\0"])
def test_what_the_system_does_not_say_counts_as_no_wait(told, tmp_path):
    clock = Clock()
    crowding = Crowding(lambda: [11], tmp_path, clock)
    for _ in range(2):
        if told is not None:
            tell(tmp_path, 11, 0)
            (tmp_path / "11" / "schedstat").write_text(told)
        assert crowding.part() == 0.0
        clock.passed()


def test_processes_that_share_a_core_wait_for_it():
    if not Path("/proc/self/schedstat").exists():
        pytest.fail("this system does not count how long a process waits for a core: run it on Linux with schedstats")
    core = min(os.sched_getaffinity(0))
    both = [
        subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"])
        for _ in range(2)
    ]
    try:
        crowding = Crowding(lambda: [process.pid for process in both])
        deadline = time.monotonic() + 30
        while crowding.part() < 0.25 and time.monotonic() < deadline:
            time.sleep(WINDOW)
        assert crowding.part() >= 0.25, "each has half of it"
    finally:
        for process in both:
            process.kill()
            process.wait()
