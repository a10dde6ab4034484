"""Whose feedback is looked up at a time. What is said of it is tested end to end, in tests/e2e/test_shadows.py."""

from earthward.gateway.feedback import Places


def taken(places: Places, key: str) -> int:
    """How many a key gets that asks for as many as there are."""
    count = 0
    while places.take(key):
        count += 1
    return count


def test_one_key_gets_half_of_the_places_at_most():
    assert taken(Places(64), "eve") == 32


def test_a_key_that_has_half_leaves_places_to_others_and_so_do_they():
    places = Places(64)
    assert [taken(places, key) for key in ("eve", "mallory", "ada")] == [32, 16, 8]


def test_a_place_that_was_given_back_can_be_taken_again():
    places = Places(4)
    assert taken(places, "eve") == 2
    places.give_back("eve")
    assert taken(places, "eve") == 1
    places.give_back("eve")
    places.give_back("eve")
    assert taken(places, "ada") == 2, "as if nobody had been there"
