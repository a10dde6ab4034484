import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.rollout.event import Event
from earthward.rollout.pairs import Outcome, event_of_bad_word, event_of_score, events_of_pair
from earthward.rollout.read_events import BadLine, Head, Order, Seen, SetBack, Tick, Tried, line
from earthward.rollout.read_plan import plan
from earthward.rollout.state import Place, Subject
from earthward.rollout.verbs import VERBS
from earthward.rollout.write_events import written

PLAN = plan({"preset": "careful", "events": ["wobble"]}, "mine")
TIMES = st.floats(0, 1e9)
NAMES = st.none() | st.lists(st.text(max_size=5), max_size=3).map(tuple)
EVENTS = st.builds(
    Event,
    st.floats(-1e9, 1e10),
    st.text(min_size=1, max_size=20),
    st.sampled_from(["baseline", "candidate"]),
    st.integers(1, 9999),
    ok=st.none() | st.booleans(),
    ttft_s=st.none() | TIMES,
    token_s=st.none() | TIMES,
    total_s=st.none() | TIMES,
    score=st.none() | st.floats(0, 1),
    cost=st.none() | TIMES,
    bad=NAMES,
    checked=NAMES,
    unmeasured=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    is_later=st.booleans(),
)
ORDERS = st.builds(Order, TIMES, st.sampled_from(VERBS), st.text(), st.text(), stage=st.text())
SUBJECT = Subject("a", "b", "c", "d")
OWN = [
    SetBack(5.0),
    Tried(1.0, SUBJECT),
    Seen(1.0, {"llama": {"http://gpu": "sha"}}, {}),
    Head(1.0, PLAN),
    Head(1.5, PLAN, 3, Place("rolled back", 2), 7, SUBJECT, {"llama": {"a": "b"}}, {"j": {}}),
]


@given(EVENTS | ORDERS | st.builds(Tick, TIMES))
def test_what_is_written_reads_back_as_it_was(told):
    assert line(written(told)) == told
    assert written(told).count(b"\n") == 1


@pytest.mark.parametrize("told", OWN)
def test_what_only_a_gateway_writes_reads_back_too(told):
    assert line(written(told)) == told


@pytest.mark.parametrize("share", [0, 1, 5000, 9999])
def test_whatever_is_told_of_pairs_and_by_users_reads_back(share):
    bad = Outcome(False, 0.1, 0.2, ("refusal",), ("refusal",))
    pairs = [
        event
        for is_shadow in (True, False)
        for event in events_of_pair(1.0, "u", Outcome(True, 0.1, 0.2, ("refusal",)), bad, in_shadow_stage=is_shadow)
    ]
    scores = [event_of_score(1.0, "u", share, score) for score in (None, 0.0, 1.0)]
    words = [event_of_bad_word(1.0, "u", "candidate", share)] if share else []
    for event in (*pairs, *scores, *words):
        assert line(written(event)) == event


def head(**fields: object) -> bytes:
    it = json.loads(written(Head(1.0, PLAN)))
    it["head"] |= fields
    return json.dumps(it).encode()


def planned(**fields: object) -> bytes:
    return head(plan=json.loads(head())["head"]["plan"] | fields)


@pytest.mark.parametrize(
    "data",
    [
        b'{"t": 1, "head": {}}',
        b'{"t": 1, "head": 7}',
        b'{"t": 1, "set_back": true}',
        b'{"t": 1, "set_back": {}, "unit": "u"}',
        b'{"t": 1, "tried": {"subject": 7}}',
        b'{"t": 1, "seen": {"arms": {"a": "b"}, "judge": {}}}',
        head(epoch=-1),
        head(place={"phase": "stage", "stage": 0}),
        head(place={"phase": "rolled back", "stage": 99}),
        head(place={"phase": "nowhere"}),
        planned(alpha=0),
        planned(alpha=-1.0),
        planned(gates=[]),
        planned(cooldown=-5),
        planned(stages=[{"share": 70000}]),
        planned(bake={"share": -1}),
    ],
)
def test_what_no_gateway_wrote_is_refused_in_one_line(data):
    with pytest.raises(BadLine) as problem:
        line(data)
    assert str(problem.value).isprintable()


def test_every_kind_of_line_is_tried_here():
    kinds = {type(it) for it in OWN} | {Event, Order, Tick}
    assert kinds == set(get_args(line.__annotations__["return"]))
