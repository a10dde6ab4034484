from pathlib import Path

import pytest

from earthward.store.frames import HEADER, frame
from earthward.store.spool import SpoolWriter
from earthward.store.spool_reader import CHUNK, Damage, SpoolReader, boots


@pytest.fixture
def dead(spools, settled):
    """Makes the folder of a dead boot with these bytes in its segments."""

    def make(*segments: bytes, boot: str = "boot") -> Path:
        folder = spools / boot
        folder.mkdir(parents=True)
        (folder / "lock").write_text("here")
        for number, data in enumerate(segments, 1):
            (folder / f"{number:08d}.spool").write_bytes(data)
        return folder

    return make


@pytest.fixture
def three(settled):
    return [frame(seq, settled(f"x-{seq}")) for seq in (1, 2, 3)]


def read_to_end(path: Path, after: int = 0) -> tuple[list[int], SpoolReader]:
    reader = SpoolReader(path, after)
    seqs = []
    while not reader.finished:
        seqs.extend(item.seq for item in reader.read(2))
    reader.close()
    return seqs, reader


def test_there_is_nothing_to_read_where_no_spool_was_made(spools):
    assert boots(spools) == []


def test_a_boot_that_is_still_being_made_is_not_seen(spools):
    (spools / ".boot").mkdir(parents=True)
    assert boots(spools) == []


def test_a_boot_is_dead_when_its_writer_has_let_go_of_the_lock(spools):
    writer = SpoolWriter(spools, "here", "boot")
    reader = SpoolReader(spools / "boot")
    assert not reader.is_dead()
    writer.close()
    assert reader.is_dead()
    reader.close()


def test_a_living_boot_is_read_as_it_grows_and_finished_when_it_dies(spools, settled):
    writer = SpoolWriter(spools, "here", "boot", segment_bytes=300)
    reader = SpoolReader(spools / "boot")
    for seq in range(1, 50):
        writer.append(settled())
        assert [item.seq for item in reader.read(10)] == [seq]
    assert reader.read(10) == []
    assert not reader.finished
    writer.close()
    assert reader.read(10) == []
    assert reader.finished
    reader.close()


def test_an_entry_that_is_half_written_is_waited_for_while_its_writer_lives(spools, settled):
    writer = SpoolWriter(spools, "here", "boot")
    (segment,) = (spools / "boot").glob("*.spool")
    whole = frame(1, settled())
    segment.write_bytes(whole[:20])
    reader = SpoolReader(spools / "boot")
    assert reader.read(10) == []
    segment.write_bytes(whole)
    assert [item.seq for item in reader.read(10)] == [1]
    assert reader.damage == Damage()
    reader.close()
    writer.close()


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_the_torn_tail_of_a_dead_writer_is_left_out_and_is_no_corruption(dead, three, cut):
    seqs, reader = read_to_end(dead(three[0] + three[1] + three[2][:-cut]))
    assert seqs == [1, 2]
    assert reader.damage == Damage(torn_bytes=len(three[2]) - cut)


@pytest.mark.parametrize("place", ["length", "payload"])
def test_a_corrupt_middle_is_counted_and_reading_goes_on_behind_it(dead, three, place):
    bad = bytearray(three[1])
    bad[0 if place == "length" else HEADER.size + 3] ^= 0x7F
    seqs, reader = read_to_end(dead(three[0] + bytes(bad) + three[2]))
    assert seqs == [1, 3]
    assert reader.damage == Damage(corrupt=1, missing=1)


def test_a_corrupt_end_of_a_segment_is_counted_and_reading_goes_on_with_the_next(dead, three):
    seqs, reader = read_to_end(dead(three[0] + three[1][:-3], three[2]))
    assert seqs == [1, 3]
    assert reader.damage == Damage(corrupt=1, missing=1)


def test_a_hole_of_zeros_is_corruption_and_the_entries_in_it_are_missing(dead, three):
    seqs, reader = read_to_end(dead(three[0] + bytes(len(three[1])) + three[2]))
    assert seqs == [1, 3]
    assert reader.damage == Damage(corrupt=1, missing=1)


def test_a_segment_that_is_gone_is_counted_by_the_entries_that_are_missing(dead, three):
    folder = dead(three[0], three[1], three[2])
    (folder / "00000002.spool").unlink()
    assert read_to_end(folder)[1].damage == Damage(missing=1)


def test_entries_below_the_first_segment_are_missing_only_if_they_were_never_stored(dead, three):
    folder = dead(three[2])
    assert read_to_end(folder)[1].damage == Damage(missing=2)
    assert read_to_end(folder, after=2)[1].damage == Damage()
    seqs, reader = read_to_end(folder, after=3)
    assert (seqs, reader.damage) == ([3], Damage())


def test_an_entry_that_was_copied_into_the_next_segment_is_read_once(dead, three):
    seqs, reader = read_to_end(dead(three[0] + three[1], three[1] + three[2]))
    assert seqs == [1, 2, 3]
    assert reader.damage == Damage()


def test_an_entry_larger_than_a_chunk_and_those_across_its_edges_are_read(dead, settled):
    texts = ["a", "b" * (CHUNK * 3), "c", "d" * (CHUNK - 100), "e" * 300, "f"]
    frames = [frame(seq, settled(f"x-{seq}", message=text)) for seq, text in enumerate(texts, 1)]
    seqs, reader = read_to_end(dead(b"".join(frames)))
    assert seqs == [1, 2, 3, 4, 5, 6]
    assert reader.damage == Damage()


def test_corruption_across_a_chunk_is_got_over(dead, settled):
    frames = [frame(seq, settled(f"x-{seq}", message="m" * 1000)) for seq in range(1, 3000)]
    frames[500] = frames[500][:-1] + b"\0"
    seqs, reader = read_to_end(dead(b"".join(frames)))
    assert len(seqs) == 2998
    assert reader.damage == Damage(corrupt=1, missing=1)


def test_removing_deletes_the_whole_folder(dead, three):
    folder = dead(three[0], three[1])
    reader = SpoolReader(folder)
    while not reader.finished:
        reader.read(10)
    reader.remove_segments(below=2)
    assert reader.segments() == [2]
    reader.remove()
    assert not folder.exists()
