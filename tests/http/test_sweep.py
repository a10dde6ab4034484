"""One timer for all deadlines."""

import time

from earthward.http.sweep import Sweep


async def test_looks_are_called_with_the_time_until_they_are_removed(until):
    seen = {"a": [], "b": []}
    looks = [seen["a"].append, seen["b"].append]
    sweep, began = Sweep(0.005), time.monotonic()
    for look in looks:
        sweep.add(look)
    await until(lambda: len(seen["a"]) > 2 and len(seen["b"]) > 2)
    assert began <= seen["a"][-1] <= time.monotonic()
    sweep.remove(looks[0])
    count = len(seen["a"])
    await until(lambda: len(seen["b"]) > count + 3)
    assert len(seen["a"]) == count
    sweep.remove(looks[1])
    sweep.remove(looks[1])
    assert sweep._timer is None


async def test_a_look_may_remove_itself(until):
    sweep = Sweep(0.005)
    calls = []

    def once(now):
        calls.append(now)
        sweep.remove(once)

    sweep.add(once)
    await until(lambda: sweep._timer is None)
    assert len(calls) == 1
