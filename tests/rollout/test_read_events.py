import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.rollout.event import Event
from earthward.rollout.read_events import BadLine, Order, Tick, line

SOUND = {"t": 1, "unit": "u", "arm": "candidate", "share": 0.05}


def read(**fields: object) -> object:
    return line(json.dumps({**SOUND, **fields}).encode())


def test_a_request_with_everything():
    told = {"ok": False, "ttft_s": 0.4, "token_s": 0.01, "total_s": 3, "score": 0.5, "cost": 0.002, "bad": ["refusal"]}
    assert read(**told, checked=["refusal"], unmeasured=["quality"], later=True) == Event(
        1.0, "u", "candidate", 500, False, 0.4, 0.01, 3.0, 0.5, 0.002, ("refusal",), ("refusal",), ("quality",), True
    )


def test_what_is_not_told_is_unknown():
    assert read() == Event(1.0, "u", "candidate", 500)


@pytest.mark.parametrize(("share", "parts"), [(0.05, 500), ("5%", 500), ("0.5 %", 50), (1, 10_000), (1.0, 10_000)])
def test_a_share_is_a_part_of_one_or_a_percentage(share, parts):
    assert read(share=share).share == parts


def test_orders_and_the_passing_of_time():
    order = {"t": 5, "verb": "pause", "by": "ada", "why": "lunch", "reason": "budget"}
    assert line(json.dumps(order).encode()) == Order(5.0, "pause", "ada", "lunch", "budget")
    assert line(b'{"t": 7.5}') == Tick(7.5)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"t": None}, "no `t`"),
        ({"t": "now"}, "`t`"),
        ({"t": True}, "`t`"),
        ({"t": 1e300}, "`t`"),
        ({"unit": ""}, "`unit`"),
        ({"unit": 7}, "`unit`"),
        ({"arm": "control"}, "baseline or candidate"),
        ({"arm": ["baseline"]}, "baseline or candidate"),
        ({"share": 5}, "0 to 1"),
        ({"share": -0.1}, "0 to 1"),
        ({"share": "5"}, "0 to 1"),
        ({"share": None}, "missing"),
        ({"share": 0}, "can't be"),
        ({"share": 1, "arm": "baseline"}, "can't be"),
        ({"ok": 1}, "true or false"),
        ({"ttft_s": -1}, "not below 0"),
        ({"score": 1.5}, "0 to 1"),
        ({"bad": "refusal"}, "list"),
        ({"bad": [1]}, "list"),
        ({"ttft": 1}, "did you mean `ttft_s`?"),
        ({"verb": "launch"}, "unknown verb"),
    ],
    ids=str,
)
def test_a_broken_request_is_told_what_is_wrong(fields, says):
    with pytest.raises(BadLine) as caught:
        read(**fields)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b"7", b"null", b'"t"', b"\xff\xfe", b'{"t": NaN}', b'{"t": 1e999}', b"[" * 100_000, b"x" * 2_000_000],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_object_is_refused(data):
    with pytest.raises(BadLine):
        line(data)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data):
    try:
        line(data)
    except BadLine:
        pass


@given(
    st.dictionaries(
        st.sampled_from(("t", "unit", "arm", "share", "ok", "score", "bad", "verb")),
        st.text() | st.integers() | st.none() | st.lists(st.integers()),
    )
)
def test_no_object_breaks_the_reader(given):
    try:
        line(json.dumps({**SOUND, **given}).encode())
    except BadLine:
        pass


def test_a_packed_file_is_told_as_that():
    with pytest.raises(BadLine, match="zcat FILE"):
        line(gzip.compress(b"{}"))


def test_a_comparison_by_itself_may_be_of_a_stage_that_moves_nobody():
    assert read(share=0, score=0.5, later=True) == Event(1.0, "u", "candidate", 0, score=0.5, is_later=True)
    assert read(share=0, unmeasured=["quality"], later=True).unmeasured == ("quality",)
    for more in ({"bad": ["feedback"]}, {"ok": True}, {"ttft_s": 1.0}, {"later": False}, {"checked": []}):
        with pytest.raises(BadLine, match="can't be at a share"):
            read(**{"share": 0, "score": 0.5, "later": True, **more})


@pytest.mark.parametrize(
    ("data", "column"),
    [
        (b'{"t": 1, "unit', 15),
        (b'{"t": NaN}', 7),
        (b"[]", 1),
        (b"\xff", 1),
        (b'{"t": 1}}', 9),
        (b'{"t": 1, "unit": "u", "arm": "x", "share": 0.05}', 23),
        (b'{"t": 1, "unit": "u", "arm": "baseline", "share": -5}', 42),
        (b'{"t": 1, "unit": "u", "arm": "baseline", "share": 0.5, "tftf": 1}', 56),
        (b'{"unit": "u", "arm": "baseline", "share": 0.5}', 1),
        (b'{"t": 1, "verb": "promot"}', 18),
        (b'{"t": 1, "head": {}}', 10),
        (b'{"t": 1, "verb": "pause", "reason": "tired"}', 27),
    ],
)
def test_a_broken_line_names_the_column(data, column):
    with pytest.raises(BadLine) as problem:
        line(data)
    assert problem.value.column == column
