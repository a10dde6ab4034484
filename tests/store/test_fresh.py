from earthward.ledger.record import Record
from earthward.store.fresh import Fresh, Stored


def records(*numbers: int) -> list[Record]:
    return [Record(str(number), number, "ok") for number in numbers]


def fresh(*batches: tuple[int, int], most: int = 100) -> Fresh:
    """Batches of the exchanges behind the first number, up to the second."""
    held = Fresh(most)
    for after, up_to in batches:
        held.add(Stored(records(*range(after + 1, up_to + 1)), after))
    return held


def behind(held: Fresh, number: int, limit: int = 100) -> list[int]:
    return [record.accepted_at for record in held.behind(number, limit)]


def test_what_follows_on_a_number_comes_in_its_order_over_several_batches():
    held = fresh((5, 8), (8, 9), (9, 12))
    assert behind(held, 5) == [6, 7, 8, 9, 10, 11, 12]
    assert behind(held, 7) == [8, 9, 10, 11, 12]
    assert behind(held, 7, limit=3) == [8, 9, 10]
    assert behind(held, 12) == []


def test_nothing_is_told_where_what_comes_first_is_not_held():
    held = fresh((5, 8), (10, 12))
    assert behind(held, 4) == []
    assert behind(held, 5) == [6, 7, 8]
    assert behind(held, 8) == []
    assert behind(held, 10) == [11, 12]


def test_what_was_asked_for_before_is_told_again_until_somebody_goes_on():
    held = fresh((0, 2), (2, 4))
    assert behind(held, 0, limit=2) == [1, 2]
    assert behind(held, 0, limit=2) == [1, 2]
    assert behind(held, 2) == [3, 4]
    assert behind(held, 0) == []


def test_the_oldest_go_where_there_is_no_room():
    held = fresh((0, 4), (4, 8), (8, 12), most=8)
    assert behind(held, 0) == []
    assert behind(held, 4) == [5, 6, 7, 8, 9, 10, 11, 12]
    assert behind(fresh((0, 9), most=8), 0) == []


def test_a_batch_whose_numbers_nobody_knows_is_not_held():
    held = fresh((0, 2))
    held.add(Stored(records(7, 8), None))
    assert behind(held, 0) == [1, 2]
    assert behind(held, 2) == []
