import msgspec
import pytest

from earthward.chat import Failure, FailureKind
from earthward.gateway import board
from earthward.gateway.board import ENDPOINTS, SAID, Board, out_column
from earthward.gateway.breaker import Breaker
from earthward.gateway.verdicts import NOWHERE, Verdicts, place_of_endpoint, place_of_target
from earthward.routing.balance.standing import Standing
from earthward.routing.health import WELL, Health, Rules

RULES = Rules(failures=3)
BROKEN = Failure(FailureKind.UPSTREAM_ERROR, "broken")
OUT = Health(0, 1, 9_000_000_000_000)


@pytest.fixture
def boards(tmp_path):
    board.create(tmp_path / "board")
    made = [Board(tmp_path / "board", row, rows=3) for row in range(3)]
    yield made
    for each in made:
        each.close()


def breaker(verdicts: Verdicts, cell: int = 4) -> Breaker:
    made = Breaker()
    made.share(verdicts, place_of_target(cell))
    return made


def test_what_one_worker_puts_out_is_left_alone_by_all(boards):
    first, second = map(Verdicts, boards[:2])
    one, other = breaker(first), breaker(second)
    for _ in range(3):
        one.learn(BROKEN, RULES)
    assert not one.lets_through()
    assert other.lets_through()
    second.hear()
    assert not other.lets_through()
    assert boards[2].total(out_column(place_of_target(4))) == 1


def test_failures_in_a_row_are_in_a_row_whoever_sees_them(boards):
    workers = [Verdicts(each) for each in boards]
    breakers = [breaker(each) for each in workers]
    for turn in range(3):
        breakers[turn].learn(BROKEN, RULES)
        for each in workers:
            each.hear()
    assert not any(each.lets_through() for each in breakers)


def test_a_success_anywhere_ends_the_row(boards):
    first, second = map(Verdicts, boards[:2])
    one, other = breaker(first), breaker(second)
    one.learn(BROKEN, RULES)
    one.learn(BROKEN, RULES)
    second.hear()
    other.learn(None, RULES)
    first.hear()
    assert one.health is WELL
    one.learn(BROKEN, RULES)
    assert one.lets_through()


def test_the_latest_word_counts_and_an_older_one_is_not_heard(boards):
    first, second = map(Verdicts, boards[:2])
    one, other = Standing(), Standing()
    first.watch(0, one)
    second.watch(0, other)
    first.say(0, WELL, OUT)
    second.hear()
    assert other.health == OUT
    other.health = WELL
    second.say(0, OUT, WELL)
    first.hear()
    assert one.health is WELL
    second.hear()
    assert other.health is WELL


def test_a_worker_that_starts_hears_what_was_said_before(boards):
    first = Verdicts(boards[0])
    first.say(0, WELL, OUT)
    late = Standing()
    Verdicts(boards[1]).watch(0, late)
    assert late.health == OUT


def test_what_is_no_news_is_not_said(boards):
    first = Verdicts(boards[0])
    first.say(0, OUT, OUT)
    first.say(NOWHERE, WELL, OUT)
    assert boards[1].total(SAID) == 0


def test_half_a_word_is_not_taken_for_a_whole_one(boards):
    boards[0].say(0, (0, 1, 2, 3, 4, 1), is_out=True)
    assert boards[1].heard(0) is None


def test_the_word_of_a_worker_that_died_is_kept_by_those_who_heard_it(boards):
    first, second = map(Verdicts, boards[:2])
    held = Standing()
    second.watch(0, held)
    first.say(0, WELL, OUT)
    second.hear()
    boards[2].clear(0)
    second.hear()
    assert held.health == OUT


def test_what_a_worker_itself_said_before_does_not_count_again_when_the_one_who_said_otherwise_dies(boards):
    _, second, third = map(Verdicts, boards)
    held = Standing()
    second.watch(0, held)
    second.say(0, OUT, WELL)
    boards[0].say(0, (9_000_000_000_000, *msgspec.structs.astuple(OUT)), is_out=True)
    second.hear()
    assert held.health == OUT
    boards[2].clear(0)
    third.say(1, WELL, OUT)
    second.hear()
    assert held.health == OUT


def test_endpoints_and_targets_have_places_of_their_own_as_far_as_there_is_room():
    assert place_of_endpoint(ENDPOINTS - 1) < place_of_target(0)
    assert (place_of_target(-1), place_of_target(512)) == (NOWHERE, NOWHERE)


def test_a_breaker_without_a_place_keeps_what_it_knows_to_itself(boards):
    alone = breaker(Verdicts(boards[0]), -1)
    for _ in range(3):
        alone.learn(BROKEN, RULES)
    assert not alone.lets_through()
    assert boards[1].total(SAID) == 0


def test_a_trial_that_showed_nothing_is_the_next_ones_in_all_workers(boards):
    first, second = map(Verdicts, boards[:2])
    one, other = breaker(first), breaker(second)
    one.health = Health(0, 1, 1)
    assert one.lets_through()
    trial = one.health
    second.hear()
    assert not other.lets_through()
    one.give_back(trial)
    second.hear()
    assert other.lets_through()
    assert boards[2].total(out_column(place_of_target(4))) == 0, "nothing was put out"


def test_a_trial_is_not_given_back_by_one_who_has_another(boards):
    one = breaker(Verdicts(boards[0]))
    one.health = Health(0, 1, 1)
    assert one.lets_through()
    old = one.health
    one.learn(BROKEN, RULES)
    one.give_back(old)
    assert not one.lets_through(), "it has failed meanwhile"
