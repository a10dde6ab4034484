from earthward.bench.soak import Reading, Soaked, last_third, slopes_of, told


def test_the_slope_of_each_process_is_megabytes_per_hundred_thousand_exchanges():
    grows = [Reading(count * 50_000, {"worker": 100.0 + count, "control": 80.0}, 10) for count in range(6)]
    assert slopes_of(grows) == {"worker": 2.0, "control": 0.0}
    assert slopes_of(grows[:1]) == {}


def test_a_heap_that_fills_and_then_stays_is_no_leak():
    fills = [Reading(count * 1000, {"control": 60.0 + min(count, 15)}, 10) for count in range(25)]
    assert [each.exchanges for each in last_third(fills)] == list(range(16_000, 25_000, 1000))
    assert slopes_of(last_third(fills)) == {"control": 0.0}
    unevenly = [Reading(exchanges, {"control": 60.0}, 10) for exchanges in (0, 10, 11, 12, 13, 200, 290, 300)]
    assert [each.exchanges for each in last_third(unevenly)] == [200, 290, 300]


def test_what_is_told_names_the_process_that_grows():
    readings = tuple(Reading(count * 1000, {"worker": 90.0, "control": 80.0 + count}, 10) for count in range(3))
    lines = told(Soaked(2000, 0, readings, {"worker": 0.0, "control": 100.0})).splitlines()
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[-1].endswith("worker +0.000 MB, control +100.000 MB")
