from earthward.ledger.record import Opened
from earthward.ledger.unsettled import unsettled


def opened(attempt: int, target: str) -> Opened:
    where = ("unit", "key", "app", "team", "gpt", "openai_chat", target, f"http://{target}", "v7")
    return Opened("x-1", attempt, 100 + attempt, "trial", "candidate", 2500, *where)


def test_what_died_with_its_process_is_unknown_and_never_free():
    record = unsettled([opened(0, "mini")])
    assert (record.status, record.failure, record.cost) == ("unknown", "process_died", None)
    assert not record.usage.input.is_known
    assert [attempt.cost for attempt in record.attempts] == [None]
    assert record.message


def test_it_counts_for_the_target_of_its_last_attempt_and_began_with_its_first():
    record = unsettled([opened(0, "mini"), opened(1, "llama")])
    assert (record.accepted_at, record.target, record.endpoint) == (100, "llama", "http://llama")
    assert [(attempt.target, attempt.started_at, attempt.failure) for attempt in record.attempts] == [
        ("mini", 100, None),
        ("llama", 101, "process_died"),
    ]


def test_everything_an_opened_entry_says_is_kept():
    entry = opened(0, "mini")
    record = unsettled([entry])
    for name in set(Opened.__struct_fields__) - {"attempt", "at"}:
        assert getattr(record, name) == getattr(entry, name), name
