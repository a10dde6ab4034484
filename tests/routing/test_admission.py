from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from earthward.chat import Failure, FailureKind
from earthward.routing.admission import BATCH_EVERY, Queue, Terms, Ticket, expected_wait, gave_up, retry_after

TERMS = Terms(length=8, deadline=10.0)


def join(
    queue: Queue, key: str = "k", priority: str = "", now: float = 0.0, expected: float = 0.0, patience: float = 99.0
):
    return queue.join(key, "m", priority, now, patience=patience, expected=expected)


def ticket(queue: Queue, key: str = "k", priority: str = "", **how) -> Ticket:
    joined, _ = join(queue, key, priority, **how)
    assert isinstance(joined, Ticket)
    return joined


def refusal(queue: Queue, key: str = "k", priority: str = "", **how) -> Failure:
    joined, _ = join(queue, key, priority, **how)
    assert isinstance(joined, Failure)
    return joined


def served(queue: Queue) -> list[str]:
    keys = []
    while len(queue):
        first = next(iter(queue))
        keys.append(first.key)
        queue.serve(first)
    return keys


def test_those_of_one_key_are_served_in_the_order_in_which_they_came() -> None:
    queue = Queue(TERMS)
    tickets = [ticket(queue) for _ in range(3)]
    assert list(queue) == tickets


def test_interactive_comes_before_batch_whoever_came_first() -> None:
    queue = Queue(TERMS)
    ticket(queue, "night", "batch")
    ticket(queue, "chat")
    ticket(queue, "app", "quality")
    assert served(queue) == ["chat", "app", "night"]


def test_one_who_asks_for_much_waits_behind_one_who_asks_for_little() -> None:
    queue = Queue(TERMS)
    for _ in range(4):
        ticket(queue, "greedy")
    ticket(queue, "modest")
    assert served(queue) == ["greedy", "modest", "greedy", "greedy", "greedy"]


def test_keys_share_evenly_while_all_of_them_want_more() -> None:
    queue = Queue(Terms(length=1000))
    for key, count in (("a", 200), ("b", 50), ("c", 50)):
        for _ in range(count):
            ticket(queue, key)
    first = Counter(served(queue)[:90])
    assert first == {"a": 30, "b": 30, "c": 30}


def test_a_key_that_was_served_a_lot_is_not_punished_once_nobody_waits() -> None:
    queue = Queue(TERMS)
    for _ in range(4):
        ticket(queue, "a")
    served(queue)
    ticket(queue, "a")
    ticket(queue, "b")
    assert served(queue) == ["a", "b"]


def test_a_full_queue_turns_away_whoever_would_come_last() -> None:
    queue = Queue(TERMS)
    for key in "abcdefgh":
        ticket(queue, key)
    assert refusal(queue, "a").kind is FailureKind.OVERLOADED
    assert len(queue) == 8


def test_batch_work_makes_place_for_a_person_in_a_full_queue() -> None:
    queue = Queue(TERMS)
    batch = [ticket(queue, key, "batch") for key in "abcdefghi"]
    joined, pushed_out = join(queue, "person")
    assert isinstance(joined, Ticket)
    assert pushed_out == batch[-1]
    assert pushed_out not in queue
    assert len(queue) == 9


def test_batch_has_places_of_its_own_from_which_nobody_pushes_it_out() -> None:
    queue = Queue(Terms(length=16))
    for key in "abcdefghijklmnop":
        ticket(queue, key)
    own = [ticket(queue, "night", "batch") for _ in range(16 // BATCH_EVERY)]
    assert refusal(queue, "day", "batch").kind is FailureKind.OVERLOADED
    assert refusal(queue, "a").kind is FailureKind.OVERLOADED
    assert [each for each in queue if each.rank] == own


def test_a_person_who_asks_for_little_takes_the_place_of_one_who_asks_for_much_not_batchs_own() -> None:
    queue = Queue(Terms(length=4, share_of_one=1.0))
    greedy = [ticket(queue, "greedy") for _ in range(4)]
    night = ticket(queue, "night", "batch")
    joined, pushed_out = join(queue, "modest")
    assert isinstance(joined, Ticket)
    assert (pushed_out, night in queue) == (greedy[-1], True)


def test_one_in_so_many_is_batch_while_people_wait_without_an_end() -> None:
    queue = Queue(TERMS)
    ticket(queue, "night", "batch")
    ticket(queue, "night", "batch")
    order = []
    for number in range(4 * BATCH_EVERY):
        ticket(queue, f"person {number % 3}")
        first = next(iter(queue))
        order.append(first.key)
        queue.serve(first)
    assert [place for place, key in enumerate(order) if key == "night"] == [BATCH_EVERY - 1, 2 * BATCH_EVERY - 1]


def test_batch_saves_up_no_turns_from_before_it_came() -> None:
    queue = Queue(TERMS)
    for _ in range(3 * BATCH_EVERY):
        queue.serve(ticket(queue, "person"))
    ticket(queue, "night", "batch")
    ticket(queue, "person")
    assert served(queue) == ["person", "night"]


def test_batch_is_not_told_that_it_would_wait_for_everybody() -> None:
    queue = Queue(Terms(length=64, deadline=10.0))
    for number in range(40):
        ticket(queue, f"person {number}")
    joined, _ = join(queue, "night", "batch", expected=40.0)
    assert isinstance(joined, Ticket), "it is the eighth to be served, not the last of forty"


def test_one_key_cannot_fill_the_queue_and_is_told_that_it_is_its_own_doing() -> None:
    queue = Queue(TERMS)
    for _ in range(4):
        ticket(queue, "greedy")
    turned_away = refusal(queue, "greedy", expected=3.2)
    assert turned_away.kind is FailureKind.RATE_LIMITED
    assert turned_away.retry_after == 4
    ticket(queue, "modest")


def test_one_who_would_wait_in_vain_is_told_so_at_once() -> None:
    queue = Queue(TERMS)
    assert refusal(queue, expected=11.0).retry_after == 11
    assert refusal(queue, expected=3.0, patience=2.0).kind is FailureKind.OVERLOADED
    assert refusal(queue, "night", "batch", expected=11.0).kind is FailureKind.OVERLOADED
    ticket(queue, expected=9.0)


def test_a_place_at_the_front_is_waited_for_less_than_the_whole_queue() -> None:
    queue = Queue(TERMS)
    for key in "abcd":
        ticket(queue, key, "batch", expected=1.0)
    assert ticket(queue, "person", expected=12.0).rank == 0


def test_what_was_never_served_costs_its_key_nothing() -> None:
    queue = Queue(TERMS)
    given_up = [ticket(queue, "a") for _ in range(4)]
    ticket(queue, "b")
    for each in given_up:
        queue.leave(each)
    ticket(queue, "b")
    ticket(queue, "a")
    assert served(queue) == ["b", "a", "b"]


def test_a_keys_batch_work_holds_none_of_its_interactive_requests_back() -> None:
    queue = Queue(TERMS)
    for _ in range(3):
        ticket(queue, "a", "batch")
    ticket(queue, "b")
    ticket(queue, "b")
    ticket(queue, "a")
    assert served(queue)[:3] == ["b", "a", "b"]


def test_a_key_with_its_share_waiting_gives_up_batch_work_for_a_person() -> None:
    queue = Queue(TERMS)
    batch = [ticket(queue, "a", "batch") for _ in range(TERMS.most_of_one)]
    joined, pushed_out = join(queue, "a")
    assert isinstance(joined, Ticket)
    assert pushed_out == batch[-1]
    assert refusal(queue, "a", "batch").kind is FailureKind.RATE_LIMITED
    assert len(queue) == TERMS.most_of_one


def test_people_do_not_fill_more_than_the_queue_by_way_of_their_batch_work() -> None:
    queue = Queue(Terms(length=2))
    for key in "ab":
        ticket(queue, key)
    for key in "cde":
        own = ticket(queue, key, "batch")
        assert refusal(queue, key).kind is FailureKind.OVERLOADED
        assert list(queue)[-1] == own
        queue.leave(own)
    assert len(queue) == 2


def test_deadlines_are_the_callers_or_the_queues_whichever_is_sooner() -> None:
    queue = Queue(TERMS)
    patient, hurried = ticket(queue, "a", now=100.0), ticket(queue, "b", now=100.0, patience=2.5)
    assert (patient.until, hurried.until) == (110.0, 102.5)
    assert queue.expired(102.4) == []
    assert queue.expired(102.5) == [hurried]
    assert gave_up(hurried, 102.5, 7.0).message == "no host had a free slot for 2.5 s"


def test_a_place_given_up_twice_is_given_up_once() -> None:
    queue = Queue(TERMS)
    first, second = ticket(queue), ticket(queue)
    queue.leave(first)
    queue.leave(first)
    assert list(queue) == [second]
    assert queue.ahead(second) == 0
    assert queue.waiting_for("m") == 1


def test_the_wait_is_that_of_those_before_spread_over_all_slots() -> None:
    assert expected_wait(7, 4, 3.0) == 6.0
    assert [retry_after(seconds) for seconds in (0.0, 0.2, 5.1, 1e9)] == [1, 1, 6, 60]


moves = st.lists(
    st.tuples(st.sampled_from(["join", "serve", "leave"]), st.sampled_from("abc"), st.sampled_from(["", "batch"])),
    max_size=80,
)


@given(moves)
def test_whatever_happens_the_queue_is_bounded_and_its_counts_are_right(moves) -> None:
    queue = Queue(TERMS)
    held: set[Ticket] = set()
    for what, key, priority in moves:
        if what == "join":
            joined, pushed_out = join(queue, key, priority)
            held -= {pushed_out}
            held |= {joined} if isinstance(joined, Ticket) else set()
        elif held:
            gone = min(held) if what == "serve" else max(held)
            getattr(queue, what)(gone)
            held.discard(gone)
        ordered = list(queue)
        assert sorted(ordered) == sorted(held)
        assert ordered[1:] == sorted(ordered[1:]), "at most one is served before its turn"
        assert len(queue) == queue.waiting_for("m") <= TERMS.length + TERMS.own_of_batch
        assert sum(1 for ticket in held if not ticket.rank) <= TERMS.length
        assert all(count <= TERMS.most_of_one for count in Counter(ticket.key for ticket in held).values())
