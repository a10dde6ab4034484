import pytest

from earthward.routing import health
from earthward.routing.balance.standing import LONGEST_LOAD, UNTOLD_LOAD, Report, Standing, full_name
from earthward.routing.balance.view import Endpoint, Resident

LLAMA = "llama3.1:8b"
CODER = "qwen2.5-coder:32b"
LOADED = Resident(LLAMA, 8192, 100, 100)


def seen(standing: Standing, model: str = LLAMA, now: float = 0.0, in_flight: int = 0) -> Endpoint:
    return standing.view(0, 2, model, in_flight, now)


def with_report(*residents: Resident, at: float = 0.0) -> Standing:
    standing = Standing()
    standing.heard(Report(at, residents), at)
    return standing


def test_without_a_report_nothing_is_known_of_loading() -> None:
    assert not seen(Standing()).is_known
    assert not Standing().sent(LLAMA, 0.0)


def test_what_the_prober_found_is_resident() -> None:
    standing = with_report(LOADED)
    assert seen(standing).resident == LOADED
    assert seen(standing, CODER).resident is None
    assert seen(standing, CODER).held == 1


def test_a_model_is_ready_where_it_is_loaded_as_it_is_asked_for() -> None:
    assert with_report(LOADED).has_ready(LLAMA, 8192, 0)
    assert with_report(LOADED).has_ready(LLAMA, 0, 0)
    assert not with_report(LOADED).has_ready(LLAMA, 4096, 0)
    assert not with_report(LOADED).has_ready(CODER, 0, 0)
    assert Standing().has_ready(LLAMA, 8192, 0), "what tells nothing of loads needs none"


def test_a_model_is_not_ready_while_it_loads_nor_where_nobody_answers() -> None:
    loads, down = with_report(), with_report(LOADED)
    loads.sent(LLAMA, 1.0)
    assert not loads.has_ready(LLAMA, 0, 2_000)
    loads.load_ended(LLAMA, 3.0, went_well=True)
    assert loads.has_ready(LLAMA, 0, 4_000)
    down.heard(Report(1.0, problem="gone", is_down=True), 1.0)
    assert not down.has_ready(LLAMA, 0, 2_000)


def test_a_load_that_was_set_going_is_not_set_going_twice_and_counts_down() -> None:
    standing = with_report()
    assert standing.sent(LLAMA, 10.0)
    assert not standing.sent(LLAMA, 11.0)
    assert seen(standing, now=10.0).loading == UNTOLD_LOAD
    assert seen(standing, now=14.0).loading == UNTOLD_LOAD - 4
    assert seen(standing, now=80.0).loading == pytest.approx(0.1), "however long it takes, it is not over"
    assert seen(standing, CODER, now=14.0).blocked == UNTOLD_LOAD - 4


def test_a_load_waits_for_those_before_it() -> None:
    standing = with_report()
    standing.sent(LLAMA, 0.0)
    standing.sent(CODER, 0.0)
    assert seen(standing, CODER).loading == 2 * UNTOLD_LOAD


def test_a_model_that_answered_is_loaded_though_no_report_says_so_yet() -> None:
    standing = with_report()
    standing.sent(LLAMA, 1.0)
    standing.answered(LLAMA, 7.0, 8.0)
    assert seen(standing, now=8.0).resident == Resident(LLAMA)
    assert seen(standing, now=8.0).load == 7.0
    assert standing.residents == [LLAMA]


def test_a_later_report_knows_better() -> None:
    standing = with_report()
    standing.sent(LLAMA, 1.0)
    standing.answered(LLAMA, 7.0, 8.0)
    standing.heard(Report(7.5, ()), 8.1)
    assert seen(standing, now=8.1).resident is not None, "that report was made before the answer"
    standing.heard(Report(9.0, ()), 9.0)
    assert seen(standing, now=9.0).resident is None


def test_a_report_that_could_not_be_made_leaves_what_was_known() -> None:
    standing = with_report(LOADED)
    standing.heard(Report(1.0, problem="connection refused"), 1.0)
    assert seen(standing, now=1.0).resident == LOADED


def test_a_load_that_failed_is_set_going_again() -> None:
    standing = with_report()
    standing.sent(LLAMA, 1.0)
    standing.failed(LLAMA, 2.0)
    assert seen(standing, now=2.0).loading is None
    assert seen(standing, now=2.0).failing > 0
    assert standing.sent(LLAMA, 3.0)


def test_a_load_of_which_nothing_is_heard_is_not_believed_in_for_ever() -> None:
    standing = with_report()
    standing.sent(LLAMA, 1.0)
    standing.heard(Report(400.0, ()), 1.0 + LONGEST_LOAD)
    assert seen(standing, now=400.0).loading is None


def test_how_long_a_load_takes_is_learned_from_ollama_s_own_word_first() -> None:
    standing = with_report()
    standing.heard(Report(1.0, (), sizes=((CODER, 20_000_000_000),)), 1.0)
    assert standing.load_seconds(CODER) == 20.0
    standing.sent(CODER, 2.0)
    standing.answered(CODER, 30.0, 32.0, load=12.0)
    assert standing.load_seconds(CODER) == 12.0


def test_the_first_token_of_a_load_does_not_count_as_slowness() -> None:
    standing = with_report()
    standing.sent(LLAMA, 0.0)
    standing.answered(LLAMA, 30.0, 30.0)
    assert seen(standing, now=30.0).first == 0
    standing.answered(LLAMA, 0.4, 31.0)
    assert seen(standing, now=31.0).first == 0.4


def test_room_is_learned_from_what_had_to_go() -> None:
    third = Resident("gemma3:12b")
    standing = with_report(LOADED, Resident(CODER))
    assert seen(standing).room is None
    standing.heard(Report(1.0, (LOADED, third)), 1.0)
    assert seen(standing).room == 2
    standing.heard(Report(2.0, (LOADED, third, Resident(CODER))), 2.0)
    assert seen(standing).room == 3


def test_a_model_that_went_by_itself_says_nothing_of_room() -> None:
    standing = with_report(LOADED, Resident(CODER))
    standing.heard(Report(1.0, (LOADED,)), 1.0)
    assert seen(standing).room is None


def test_health_and_draining_put_it_out() -> None:
    standing = Standing()
    standing.health = health.after_failure(health.WELL, 1000, at_once=True)
    assert seen(standing, now=1.5).out == "ejected"
    assert seen(standing, now=5.0).out == ""
    standing.is_draining = True
    assert seen(standing, now=5.0).out == "draining"


@pytest.mark.parametrize(
    ("name", "full"),
    [("llama3.1", "llama3.1:latest"), ("llama3.1:8b", "llama3.1:8b"), ("hf.co:443/a/b", "hf.co:443/a/b:latest")],
)
def test_a_name_without_a_tag_means_latest(name, full) -> None:
    assert full_name(name) == full


def test_a_host_without_the_model_on_its_disk_is_out_for_it_alone() -> None:
    standing = with_report()
    assert seen(standing, CODER).out == "", "nobody has looked"
    standing.heard(Report(1.0, (), sizes=((LLAMA, 5),)), 1.0)
    assert seen(standing, CODER).out == "lacks the model"
    assert seen(standing, LLAMA).out == ""
    assert seen(standing, "gpt-oss:120b-cloud").out == ""


def test_a_host_that_was_down_begins_with_a_little() -> None:
    standing = with_report(LOADED)
    standing.heard(Report(1.0, problem="no answer", is_down=True), 1.0)
    assert seen(standing, now=1.0).out == "down"
    standing.heard(Report(9.0, (LOADED,)), 9.0)
    assert seen(standing, now=9.0).out == ""
    assert seen(standing, now=9.0).ramp == 0.1
    assert seen(standing, now=40.0).ramp == 1.0


def test_an_answer_that_came_whole_tells_that_the_model_is_loaded() -> None:
    standing = with_report()
    standing.sent(LLAMA, 0.0)
    standing.ended(LLAMA, 30.0, 30.0)
    assert seen(standing, now=30.0).resident == Resident(LLAMA)
    assert standing.whole == 0, "how long the load took says nothing of how long slots are held"
    standing.ended(LLAMA, 2.0, 33.0)
    assert standing.whole == 2.0


def test_after_its_pause_one_is_on_trial_and_what_it_did_before_is_forgiven_once_it_is_well() -> None:
    standing = with_report()
    standing.failed(LLAMA, 1.0)
    standing.health = health.after_failure(health.WELL, 1000, at_once=True)
    assert not seen(standing, now=2.0).is_on_trial
    assert seen(standing, now=4.0).is_on_trial
    standing.forgive()
    assert seen(standing, now=4.0).failing == 0


def test_a_load_that_is_over_is_over_whoever_asked_for_it() -> None:
    standing = with_report()
    standing.sent(LLAMA, 0.0)
    standing.load_ended(LLAMA, 6.0, went_well=True)
    assert seen(standing, now=6.0).resident == Resident(LLAMA)
    assert standing.load_seconds(LLAMA) == 6.0
    standing.sent(CODER, 10.0)
    standing.load_ended(CODER, 12.0, went_well=False)
    assert seen(standing, CODER, now=12.0).resident is None
    assert standing.sent(CODER, 13.0), "it may be set going again"


def test_more_context_than_is_wanted_is_as_good_up_to_what_anybody_here_asks_for() -> None:
    standing = with_report(LOADED)
    assert standing.context_for(LLAMA, 4096, 16384) == 8192
    assert standing.context_for(LLAMA, 4096) is None
    assert standing.context_for(LLAMA, 16384, 16384) is None
    assert standing.context_for(CODER, 4096) is None
    assert not standing.sent(LLAMA, 1.0, 4096, 16384)
    assert standing.has_ready(LLAMA, 4096, 1_000, 16384)
    assert not standing.has_ready(LLAMA, 16384, 1_000, 16384)


def test_less_context_than_is_wanted_is_a_load_of_its_own_which_others_may_join() -> None:
    standing = with_report(LOADED)
    assert standing.sent(LLAMA, 1.0, 16384, 32768)
    assert not standing.sent(LLAMA, 1.5, 4096, 32768), "it will be answered when that load is over"
    assert standing.context_for(LLAMA, 4096, 32768) == 16384
    assert standing.view(0, 2, LLAMA, 0, 2.0, 4096, 32768).loading == UNTOLD_LOAD - 1
    for_more = standing.view(0, 2, LLAMA, 0, 2.0, 32768, 32768)
    assert (for_more.loading, for_more.blocked) == (None, UNTOLD_LOAD - 1)
    assert standing.sent(LLAMA, 2.0, 32768, 32768)


def test_an_answer_from_before_a_reload_says_nothing_of_the_reload() -> None:
    standing = with_report(LOADED)
    standing.sent(LLAMA, 1.0, 16384, 16384)
    standing.answered(LLAMA, 0.2, 1.2, context=8192)
    standing.ended(LLAMA, 2.0, 1.5, 8192)
    standing.failed(LLAMA, 1.6, 8192)
    standing.load_ended(LLAMA, 1.7, 8192, went_well=True)
    assert standing.context_for(LLAMA, 16384, 16384) == 16384, "it is still under way"
    assert standing.load_seconds(LLAMA) == UNTOLD_LOAD
    standing.answered(LLAMA, 9.0, 10.0, context=16384)
    assert standing.load_seconds(LLAMA) == 9.0
    assert seen(standing, now=10.0).resident == Resident(LLAMA, 16384)


def test_a_report_with_less_context_is_from_before_the_reload() -> None:
    standing = with_report(LOADED)
    standing.sent(LLAMA, 1.0, 16384, 16384)
    standing.heard(Report(2.0, (LOADED,)), 2.0)
    assert seen(standing, now=2.0).loading is not None
    more = Resident(LLAMA, 16384, 200, 200)
    standing.heard(Report(3.0, (more,)), 3.0)
    assert (seen(standing, now=3.0).loading, seen(standing, now=3.0).resident) == (None, more)
    assert (seen(standing, now=3.0).held, standing.residents) == (1, [LLAMA])
