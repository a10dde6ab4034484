import pytest

from earthward.quality.lowly import EVERY, LONGEST, may_begin, must_yield, pause


@pytest.mark.parametrize("zone", ["cloud", "local"])
@pytest.mark.parametrize("slots", [2, 4, 8])
def test_a_shadow_leaves_a_slot_for_one_more_user(slots, zone):
    for users in range(slots + 1):
        assert may_begin(slots, users, 0, zone) == (users < slots - 1)


def test_with_one_slot_it_begins_only_where_nobody_is():
    assert may_begin(1, 0, 0, "local")
    assert not may_begin(1, 1, 0, "local")
    assert not may_begin(1, 0, 1, "local")


def test_an_endpoint_that_states_no_slots_gets_one_at_a_time_in_the_house_and_few_in_the_cloud():
    assert may_begin(None, 50, 0, "local")
    assert not may_begin(None, 0, 1, "local")
    assert may_begin(None, 50, 3, "cloud")
    assert not may_begin(None, 0, 4, "cloud")


def test_it_makes_room_as_soon_as_users_need_all_slots():
    assert not must_yield(4, 3, 1)
    assert must_yield(4, 4, 1)
    assert must_yield(1, 1, 1)
    assert not must_yield(1, 0, 1), "nobody waits"
    assert not must_yield(1, 0, 2), "nobody waits, however many slots there were before"
    assert not must_yield(None, 100, 1)


def test_with_a_core_to_spare_samples_follow_at_an_even_pace():
    assert pause(0.0, 0.0, 0.0) == pause(0.001, 0.004, 0.0) == EVERY


def test_the_later_it_is_woken_the_longer_the_next_sample_waits_and_never_for_ever():
    waits = [pause(late, 0.0, 0.0) for late in (0.001, 0.002, 0.004, 0.008, 0.1, 60.0)]
    assert waits == sorted(waits)
    assert waits[0] < waits[1] < waits[2] < waits[3]
    assert waits[-1] == waits[-2] == EVERY + LONGEST


def test_samples_that_are_much_work_come_less_often():
    assert pause(0.0, 0.5, 0.0) == 5.0
    assert pause(60.0, 0.5, 0.0) == 5.0 + LONGEST


def test_the_more_of_their_time_workers_wait_for_a_core_the_longer_the_next_sample_waits():
    waits = [pause(0.0, 0.0, crowd) for crowd in (0.0, 0.01, 0.02, 0.04, 0.2, 1.0)]
    assert waits == sorted(waits)
    assert waits[0] == EVERY < waits[1] < waits[2] < waits[3]
    assert waits[-1] == waits[-2] == EVERY + LONGEST == pause(60.0, 0.0, 1.0)
