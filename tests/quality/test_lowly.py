import pytest

from earthward.quality.lowly import may_begin, must_yield


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
    assert not must_yield(None, 100, 1)
