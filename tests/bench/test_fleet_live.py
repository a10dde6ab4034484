"""The fleet over sockets: conversations grow as people's do, hosts are as fast as said, and all is answered."""

import pytest

from earthward.bench.fleet.hosts import HostKind
from earthward.bench.fleet.live import CHARACTERS, Conversations, host_arguments, run
from earthward.bench.fleet.traffic import MODELS, Asked


def turn(prompt: int, known: int, output: int = 20) -> Asked:
    return Asked(0.0, 7, MODELS[0], prompt, known, output)


def test_a_conversation_says_again_what_was_said_and_then_more() -> None:
    talk = Conversations()
    first = talk.goes_on(turn(100, 0))
    talk.answered(turn(100, 0), "t0 t1")
    second = talk.goes_on(turn(200, 120))
    assert second[:2] == [*first, {"role": "assistant", "content": "t0 t1"}]
    assert first[0]["content"].endswith("sim: tokens=20")
    assert len(second[2]["content"].partition(" sim:")[0]) == (200 - 120) * CHARACTERS


def test_a_host_twice_as_fast_loads_reads_and_writes_twice_as_much() -> None:
    slow, fast = (host_arguments(HostKind(speed, disk), 5.0) for speed, disk in ((0.5, 1e9), (1.0, 2e9)))
    for name in ("--prefill", "--decode", "--load"):
        assert float(fast[fast.index(name) + 1]) == pytest.approx(2 * float(slow[slow.index(name) + 1]))


def test_every_request_of_a_short_while_is_answered_and_loads_are_counted() -> None:
    outcome = run("warmest", seed=3, minutes=0.5, rate=1.0, faster=12.0)
    assert outcome.answered == outcome.asked > 0
    assert outcome.loads_per_minute > 0
