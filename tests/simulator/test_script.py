import json

import pytest

from earthward.simulator.behaviour import BadScript
from earthward.simulator.script import Script, mix


def tokens(script: Script, model: str = "gpt-4o", *said: str | None, ordinal: int = 0) -> int:
    return script.for_request(ordinal, model, said).tokens


def test_the_nearer_a_word_is_to_the_request_the_more_it_counts():
    script = Script()
    script.read(json.dumps({"default": {"tokens": 1}, "models": {"gpt-4o": {"tokens": 2}}}).encode())
    assert tokens(script, "gpt-4o-mini") == 1
    assert tokens(script) == 2
    script.queue({"tokens": 3})
    assert tokens(script) == 3
    assert tokens(script, "gpt-4o", "tokens=4", None) == 4
    assert tokens(script, "gpt-4o", "tokens=4", '{"tokens": 5}') == 5


def test_what_is_queued_is_used_up_in_order():
    script = Script()
    script.queue({"tokens": 1}, {"tokens": 2}, times=2)
    assert [tokens(script) for _ in range(5)] == [1, 1, 2, 2, 24]


def test_a_script_with_one_mistake_changes_nothing():
    script = Script()
    script.default(tokens=3)
    with pytest.raises(BadScript, match="unknown fault 'explode'"):
        script.read(b'{"default": {"tokens": 9}, "queue": [{"behaviour": {"fault": "explode"}}]}')
    assert tokens(script) == 3


@pytest.mark.parametrize(
    "wrong", [b"{", b'{"defaults": {}}', b'{"faults": {"500": 0.6, "502": 0.6}}', b'{"faults": {"no": 0.1}}']
)
def test_a_script_nobody_understands_is_refused(wrong):
    with pytest.raises(BadScript):
        Script().read(wrong)


def test_a_script_is_steady_while_nothing_is_queued_or_left_to_chance():
    script = Script()
    version = script.version
    assert script.is_steady
    script.queue({"tokens": 3})
    assert not script.is_steady
    assert script.version > version
    script.for_request(0, "gpt-4o", ())
    assert script.is_steady
    script.mix(**{"500": 0.5})
    assert not script.is_steady


def test_a_new_default_holds_at_once():
    script = Script()
    script.default(tokens=3)
    assert tokens(script, "gpt-4o", "rate=5") == 3
    script.default(tokens=4)
    assert tokens(script, "gpt-4o", "rate=5") == 4


def test_faults_strike_in_their_share_and_again_with_the_same_seed():
    def struck(seed: int) -> list[str | None]:
        script = Script(seed)
        script.mix(**{"500": 0.1, "html": 0.2})
        return [script.for_request(ordinal, "gpt-4o", ()).fault for ordinal in range(4000)]

    drawn = struck(1)
    assert drawn == struck(1)
    assert drawn != struck(2)
    assert drawn.count("500") == pytest.approx(400, abs=80)
    assert drawn.count("html") == pytest.approx(800, abs=110)


def test_a_fault_that_was_asked_for_is_not_replaced_by_chance():
    script = Script()
    script.mix(**{"500": 1.0})
    assert script.for_request(0, "gpt-4o", ("fault=html",)).fault == "html"
    assert script.for_request(0, "gpt-4o", ()).fault == "500"


def test_reset_forgets_all():
    script = Script()
    script.default(tokens=3)
    script.queue({"tokens": 4})
    script.mix(**{"500": 1.0})
    script.reset()
    assert script.for_request(0, "gpt-4o", ()).tokens == 24
    assert script.for_request(0, "gpt-4o", ()).fault is None


def test_a_mix_is_written_as_names_and_shares():
    assert mix("500:0.01,html:0.5") == {"500": 0.01, "html": 0.5}
    with pytest.raises(BadScript, match="FAULT:SHARE"):
        mix("500")
