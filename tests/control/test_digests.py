"""What a name stands for is told when it changes at a host, and when hosts differ; each once."""

from earthward.control.digests import Digests
from earthward.fleet.found import Probed
from earthward.routing.balance.standing import Report

WANTED = frozenset({("gpus", "llama3.2:latest")})


def found(**digests: str) -> list[Probed]:
    return [
        Probed("gpus", url, Report(0.0, digests=(("llama3.2:latest", digest), ("other:1b", digest))))
        for url, digest in digests.items()
    ]


def test_what_stays_the_same_is_not_told() -> None:
    known = Digests()
    assert known.news(found(one="a", two="a"), WANTED) == []
    assert known.news(found(one="a", two="a"), WANTED) == []


def test_a_change_is_told_once() -> None:
    known = Digests()
    known.news(found(one="a"), WANTED)
    assert known.news(found(one="b"), WANTED) == ["one has another llama3.2:latest than before: a is now b"]
    assert known.news(found(one="b"), WANTED) == []


def test_hosts_that_differ_are_told_of_once_and_again_after_they_agreed() -> None:
    known = Digests()
    (line,) = known.news(found(one="a", two="b"), WANTED)
    assert line == "the hosts of gpus have different models by the name llama3.2:latest: a, b"
    assert known.news(found(one="a", two="b"), WANTED) == []
    assert len(known.news(found(one="a", two="a"), WANTED)) == 1, "that it changed"
    assert len(known.news(found(one="a", two="b"), WANTED)) == 2


def test_models_that_no_target_names_and_hosts_that_are_away_say_nothing() -> None:
    known = Digests()
    known.news(found(one="a"), WANTED)
    assert known.news([Probed("gpus", "one", Report(0.0, problem="away"))], WANTED) == []
    assert known.news(found(one="a"), frozenset()) == []
