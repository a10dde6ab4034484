from earthward.bench.soak import Reading, Soaked, slopes_of, told


def test_the_slope_of_each_process_is_megabytes_per_hundred_thousand_exchanges():
    grows = [Reading(count * 50_000, {"worker": 100.0 + count, "control": 80.0}, 10) for count in range(6)]
    assert slopes_of(grows) == {"worker": 2.0, "control": 0.0}
    assert slopes_of(grows[:1]) == {}


def test_what_is_told_names_the_process_that_grows():
    readings = tuple(Reading(count * 1000, {"worker": 90.0, "control": 80.0 + count}, 10) for count in range(3))
    lines = told(Soaked(2000, 0, readings, {"worker": 0.0, "control": 100.0})).splitlines()
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[-1].endswith("worker +0.000 MB, control +100.000 MB")
