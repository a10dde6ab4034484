from earthward.bench.soak import Reading, slope_of


def test_the_slope_is_megabytes_per_hundred_thousand_exchanges():
    grows = [Reading(count * 50_000, 100.0 + count, 10) for count in range(6)]
    assert slope_of(grows) == 2.0
    assert slope_of([Reading(count, 100.0, 10) for count in range(6)]) == 0.0
    assert slope_of(grows[:1]) == 0.0
