from collections import Counter

from earthward.routing.balance.affinity import LOTS, PREFERRED, Affinity

HOSTS = [f"http://gpu-{number}:11434" for number in range(6)]
ROOTS = [number.to_bytes(4) for number in range(20_000)]


def test_a_conversation_always_prefers_the_same_places() -> None:
    assert [Affinity(HOSTS).of(root) for root in ROOTS[:50]] == [Affinity(HOSTS).of(root) for root in ROOTS[:50]]


def test_conversations_are_spread_evenly() -> None:
    affinity = Affinity(HOSTS)
    counts = Counter(affinity.of(root)[0] for root in ROOTS)
    assert all(abs(count / len(ROOTS) - 1 / 6) < 0.05 for count in counts.values())


def test_a_host_that_goes_moves_its_own_conversations_only_and_those_to_their_second() -> None:
    before, after = Affinity(HOSTS), Affinity(HOSTS[:-1])
    for root in ROOTS[:2000]:
        first, second, *_ = before.of(root)
        assert after.of(root)[0] == (second if first == 5 else first)


def test_no_more_is_remembered_than_there_are_lots() -> None:
    affinity = Affinity([f"http://gpu-{number}" for number in range(40)])
    for root in ROOTS:
        assert len(affinity.of(root)) == PREFERRED
    assert len(affinity._known) <= LOTS
