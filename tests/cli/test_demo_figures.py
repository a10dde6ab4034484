from earthward.chat.usage import Count, Usage
from earthward.cli.demo_figures import figures, saved
from earthward.config.snapshot import Price
from earthward.ledger.record import Attempt, Record

PRICE = Price(input=150_000, output=600_000, cached=75_000, cache_written=150_000)
PRICES = {"gpt": PRICE, "claude": Price(input=1_000_000, output=5_000_000)}
MILLION = Usage(*map(Count.reported, (1_000_000, 1_000_000, 0, 0)))


def record(id, arm, *targets, **fields):
    attempts = tuple(Attempt(target, "", "", 0) for target in targets)
    usual = {"requested_model": "gpt", "status": "ok", "usage": MILLION, "unit": id, "duration": 2, "first_content": 1}
    return Record(id, 0, arm=arm, target=targets[-1], attempts=attempts, **usual | fields)


CLOUD = record("1", "baseline", "mini", cost=750_000_000)
LOCAL = record("2", "candidate", "llama", cost=None)
RESCUED = record("3", "candidate", "llama", "mini", cost=750_000_000)
FAILED = record("4", "candidate", "llama", "mini", status="failed", usage=Usage(), cost=None)


def test_saved_is_the_asked_for_models_price_less_what_it_did_cost():
    assert saved(CLOUD, PRICE) == 0
    assert saved(LOCAL, PRICE) == 750_000_000
    assert saved(record("5", "candidate", "llama", cost=50_000_000), PRICE) == 700_000_000


def test_what_the_local_server_cached_is_not_taken_for_what_the_cloud_would_have_cached():
    cached = Usage(*map(Count.reported, (1_000_000, 1_000_000, 900_000, 0)))
    assert saved(record("6", "candidate", "llama", usage=cached, cost=None), PRICE) == 750_000_000


def test_where_tokens_are_unknown_nothing_is_claimed_to_be_saved():
    assert saved(FAILED, PRICE) == 0


def test_each_arm_has_a_line_for_whoever_served_it_and_all_adds_up():
    found = figures([CLOUD, LOCAL, LOCAL, RESCUED, FAILED], PRICES)
    lines = [(it.sums.arm, it.sums.target, it.sums.requests, it.sums.errors, it.sums.rescued) for it in found.lines]
    assert lines[0] == ("baseline", "mini", 1, 0, 0)
    assert sorted(lines[1:]) == [("candidate", "llama", 2, 0, 0), ("candidate", "mini", 2, 1, 1)]
    assert (found.all.sums.requests, found.all.sums.errors, found.all.sums.rescued) == (5, 1, 1)
    assert found.all.saved == sum(line.saved for line in found.lines) == 1_500_000_000
    assert found.all.conversations == 4


def test_savings_are_at_the_price_of_the_model_that_was_asked_for():
    dear = record("7", "candidate", "llama", cost=None, requested_model="claude")
    found = figures([dear, LOCAL], PRICES)
    assert [(line.asked_for, line.saved) for line in found.lines] == [("gpt", 750_000_000), ("claude", 6_000_000_000)]
    assert found.all.saved == 6_750_000_000


def test_each_model_has_its_own_lines_for_the_same_arm_and_target():
    asked = [record(str(n), "candidate", "llama", requested_model=name) for n, name in enumerate(("claude", "gpt"))]
    lines = figures(asked, PRICES).lines
    assert [(line.asked_for, line.sums.target, line.sums.requests) for line in lines] == [
        ("gpt", "llama", 1),
        ("claude", "llama", 1),
    ]


def test_no_records_are_no_reason_to_fail():
    found = figures([], PRICES)
    assert found.lines == ()
    assert (found.all.sums.requests, found.all.saved, found.all.sums.ttft_p50) == (0, 0, None)


def test_a_line_is_flat_for_programs():
    found = figures([CLOUD], PRICES)
    told = {"requests": 1, "rescued": 0, "conversations": 1, "saved": 0}
    assert (told | {"asked_for": "", "arm": "all"}).items() <= found.all.plain().items()
    assert (told | {"asked_for": "gpt", "arm": "baseline"}).items() <= found.lines[0].plain().items()
