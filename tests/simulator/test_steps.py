from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from earthward.simulator.behaviour import behaviour
from earthward.simulator.steps import paces, raw_head


@given(st.floats(0.001, 10), st.floats(0, 1), st.text(max_size=4))
def test_waits_vary_no_more_than_the_jitter_and_again_with_the_same_seed(gap, jitter, seed):
    made = behaviour({"gap": gap, "jitter": jitter})
    waits = [wait.seconds for wait in islice(paces(made, seed), 20)]
    assert waits == [wait.seconds for wait in islice(paces(made, seed), 20)]
    assert all(gap * (1 - jitter) - 1e-9 <= wait <= gap * (1 + jitter) + 1e-9 for wait in waits)


def test_without_jitter_all_waits_are_the_same_and_with_it_they_are_not():
    steady = behaviour({"rate": 50})
    assert {wait.seconds for wait in islice(paces(steady, "s"), 20)} == {0.02}
    assert len({wait.seconds for wait in islice(paces(behaviour({"rate": 50, "jitter": 0.5}), "s"), 20)}) == 20


def test_a_raw_head_announces_whatever_length_it_is_given():
    assert raw_head(200, [(b"a", b"b")], 7).data == b"HTTP/1.1 200 Simulated\r\na: b\r\ncontent-length: 7\r\n\r\n"
    assert b"transfer-encoding: chunked\r\n" in raw_head(200, [], None).data
