import pytest

from earthward.simulator.journal import Journal, redacted
from earthward.simulator.models import Offer


@pytest.mark.parametrize("name", [b"authorization", b"api-key", b"x-api-key", b"x-goog-api-key", b"cookie"])
def test_every_header_that_may_carry_a_credential_is_shown_as_a_hash(name):
    shown = redacted(name, b"Bearer sk-secret")[1]
    assert "secret" not in shown
    assert shown.startswith("Bearer sha256:")
    assert shown == redacted(name, b"Bearer sk-secret")[1]
    assert shown != redacted(name, b"Bearer sk-other")[1]
    assert "secret" not in redacted(name, b"sk-secret")[1]


def test_other_headers_are_shown_as_they_came():
    assert redacted(b"x-earthward-unit", b"u1") == ("x-earthward-unit", "u1")


def test_the_log_forgets_the_oldest_and_the_sums_forget_nothing():
    journal = Journal(keep=3)
    for _ in range(10):
        journal.ended(journal.opened(b"POST", b"/v1", [], b""), "finished", 200)
    assert [entry["ordinal"] for entry in journal.log()] == [7, 8, 9]
    assert (journal.stats()["attempts"], journal.stats()["finished"], journal.stats()["open"]) == (10, 10, 0)


def test_sums_are_kept_for_each_model():
    journal = Journal()
    for name, output in (("gpt-4o", 2), ("gpt-4o", 3), ("gpt-4o-mini", 5)):
        model = Offer().find(name)
        assert model is not None
        entry = journal.opened(b"POST", b"/v1", [], b"")
        entry.input = 10
        journal.bill(entry, model, 4, output)
    accounts = journal.stats()["models"]
    assert accounts["gpt-4o"]["output"] == 5
    assert accounts["gpt-4o"]["nano_dollars"] == 2 * (6 * 2500 + 4 * 1250) + 5 * 10_000
    assert journal.stats()["nano_dollars"] == sum(account["nano_dollars"] for account in accounts.values())
