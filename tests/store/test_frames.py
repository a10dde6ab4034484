from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.ledger.record import Record, Settled
from earthward.store.frames import (
    HEADER,
    Damaged,
    Entered,
    Opening,
    Unreadable,
    brief,
    frame,
    frames,
    next_whole,
    opened_of,
    run,
    whole,
)

words = st.text(max_size=10)
entries = st.builds(
    lambda name, model, at, cost: Settled(Record(name, at, "ok", requested_model=model, cost=cost)),
    words,
    words,
    st.integers(0, 2**62),
    st.none() | st.integers(0, 2**62),
)


@given(st.lists(entries, max_size=5))
def test_what_is_framed_reads_back_in_order(written):
    data = b"".join(frame(seq, entry) for seq, entry in enumerate(written, 1))
    read = list(frames(data))
    assert [(item.seq, item.entry) for item in read] == list(enumerate(written, 1))
    assert not read or read[-1].end == len(data)


@given(st.lists(entries, max_size=5), st.integers(0, 3), st.data())
def test_a_run_is_what_lies_whole_and_numbered_one_by_one_at_the_beginning(written, skipped, data):
    numbers = [seq + (skipped if seq > 3 else 0) for seq in range(1, len(written) + 1)]
    framed = [frame(seq, entry) for seq, entry in zip(numbers, written, strict=True)]
    cut = data.draw(st.integers(0, len(b"".join(framed))))
    lies_there = b"".join(framed)[:cut]
    found, end = run(lies_there, 0, 9, 0, whole)
    read = zip(frames(lies_there), range(1, 6), strict=False)
    usual = [it for it, seq in read if isinstance(it, Entered) and it.seq == seq]
    assert [(it.segment, it.seq, it.entry, it.payload) for it in found] == [
        (9, it.seq, it.entry, it.payload) for it in usual
    ]
    assert end == (usual[-1].end if usual else 0)


def test_a_run_ends_before_what_is_damaged_or_not_known(settled):
    first, second, third = (frame(seq, settled(f"x-{seq}")) for seq in (1, 2, 3))
    payload = msgspec.msgpack.encode((2, ["invented_later", 1, 2]))
    foreign = HEADER.pack(len(payload), crc32(payload)) + payload
    for other in (foreign, second[:-1] + b"\0", bytes(40), first):
        found, end = run(first + other + third, 0, 1, 0, whole)
        assert ([it.seq for it in found], end) == ([1], len(first))
    assert run(second, 0, 1, 0, whole) == ([], 0)


@given(entries, entries, st.data())
def test_an_entry_cut_anywhere_is_damage_and_never_another_entry(first, second, data):
    whole = frame(1, first)
    cut = data.draw(st.integers(1, len(frame(2, second)) - 1))
    assert list(frames(whole + frame(2, second)[:cut])) == [
        Entered(1, first, len(whole), whole[HEADER.size :]),
        Damaged(len(whole)),
    ]


@given(entries, st.data())
def test_a_flipped_bit_is_damage_and_never_another_entry(entry, data):
    whole = bytearray(frame(7, entry))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    assert list(frames(bytes(whole))) == [Damaged(0)]


@pytest.mark.parametrize("size", [1, HEADER.size, 4096])
def test_a_hole_of_zeros_is_damage(size):
    assert list(frames(bytes(size))) == [Damaged(0)]


def test_reading_may_begin_behind_any_entry(settled):
    first = frame(1, settled("a"))
    data = first + frame(2, settled("b"))
    assert list(frames(data, len(first))) == [Entered(2, settled("b"), len(data), data[len(first) + HEADER.size :])]


def test_an_entry_of_a_kind_not_known_is_told_apart_from_damage_and_the_next_is_read(settled):
    payload = msgspec.msgpack.encode((1, ["invented_later", 1, 2]))
    foreign = HEADER.pack(len(payload), crc32(payload)) + payload
    unreadable, entered = frames(foreign + frame(2, settled()))
    assert isinstance(unreadable, Unreadable)
    assert unreadable.end == len(foreign)
    assert entered.entry == settled()


@pytest.mark.parametrize("seq", [1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32])
def test_the_next_whole_entry_behind_damage_is_found_whatever_its_number(settled, opened, seq):
    for entry in (settled(), opened()):
        damaged = b"\x92\x01garbage" + frame(1, settled("lost"))[:-1]
        assert next_whole(damaged + frame(seq, entry), 0) == len(damaged)


def test_nothing_is_found_behind_a_torn_tail(settled):
    assert next_whole(frame(1, settled())[:-1], 0) is None


def test_what_is_passed_over_of_an_opened_entry_can_be_read_later(settled, opened):
    first, second = frames(frame(1, opened("a")) + frame(2, settled("a")), decode=brief)
    assert (first.entry, second.entry) == (Opening("a"), settled("a"))
    assert opened_of(first.payload) == opened("a")


def test_an_opened_entry_of_another_shape_reads_as_none(settled):
    assert opened_of(msgspec.msgpack.encode((1, ["opened", "a", "not a number"]))) is None
    assert opened_of(frame(1, settled())[HEADER.size :]) is None
