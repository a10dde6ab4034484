from earthward.gateway.credentials import LONGEST_REST, Credentials


def three() -> Credentials:
    return Credentials([b"a", b"b", b"c"], ["sk-a", "sk-b", "sk-c"])


def test_a_key_is_kept_until_it_has_to_rest():
    keys = three()
    assert [keys.current(0.0) for _ in range(3)] == [(0, b"a")] * 3


def test_a_resting_key_is_passed_over_until_its_rest_is_over():
    keys = three()
    keys.rest(0, 0.0, 10)
    assert keys.current(1.0) == (1, b"b")
    keys.rest(1, 1.0, 10)
    assert keys.current(2.0) == (2, b"c")
    keys.rest(2, 2.0, 5)
    assert not keys.has_rested_key(3.0)
    assert keys.current(3.0)[1] == b"c", "when all rest, the one that is done first"
    assert keys.has_rested_key(10.5)
    assert keys.current(10.5)[1] in (b"a", b"c")


def test_no_upstream_can_bench_a_key_for_ever():
    keys = three()
    keys.rest(0, 0.0, 1e12)
    assert keys.current(LONGEST_REST - 1)[1] != b"a"
    keys.rest(1, 0.0, 1e12)
    keys.rest(2, 0.0, 1e12)
    assert keys.has_rested_key(LONGEST_REST + 1)


def test_a_provider_without_keys_has_an_empty_header():
    assert Credentials([], []).current(0.0) == (0, b"")
    Credentials([], []).rest(0, 0.0, 1)


def test_no_key_survives_in_a_text():
    assert three().scrub("bad key sk-b, or sk-a?") == "bad key [redacted], or [redacted]?"
