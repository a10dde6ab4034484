import asyncio
import ctypes
import errno
import os
import random
import stat
import threading
import time
from pathlib import Path

import pytest

from earthward.store.spool import HELD_LIMIT, BootTaken, SpoolBroken, SpoolFull, SpoolWriter
from earthward.store.spool_reader import SpoolReader, boots


def read_all(folder: Path) -> tuple[list[int], list[str], SpoolReader]:
    """Numbers and ids of all settled entries of the only boot there is, and its reader."""
    (path,) = boots(folder)
    reader = SpoolReader(path)
    read = []
    while more := reader.read(1000):
        read.extend(more)
    reader.close()
    return [item.seq for item in read], [item.entry.record.id for item in read], reader


def until(condition, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


class Disk:
    """Syncs files, or does what a bad disk does."""

    def __init__(self) -> None:
        self.error: int | None = None
        self.works = threading.Event()
        self.works.set()
        self.syncs = 0

    def sync(self, fd: int) -> None:
        self.works.wait()
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        os.fsync(fd)
        self.syncs += 1


def test_entries_are_numbered_from_one_without_a_gap_over_all_segments(spools, settled):
    writer = SpoolWriter(spools, "here", "boot", segment_bytes=1000)
    numbers = [writer.append(settled(f"x-{n}")) for n in range(100)]
    writer.close()
    assert len(list((spools / "boot").glob("*.spool"))) > 5
    seqs, ids, reader = read_all(spools)
    assert numbers == seqs == list(range(1, 101))
    assert ids == [f"x-{n}" for n in range(100)]
    assert reader.replica == "here"


def test_what_is_appended_can_be_read_before_anything_is_synced(spools, settled):
    disk = Disk()
    disk.works.clear()
    writer = SpoolWriter(spools, "here", "boot", sync=disk.sync)
    writer.append(settled("x-1"))
    assert read_all(spools)[1] == ["x-1"]
    disk.works.set()
    writer.close()


def test_nothing_in_the_spool_is_readable_for_others(spools, settled):
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(settled())
    writer.close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [spools, *spools.rglob("*")]}
    assert modes == {"spool": 0o700, "boot": 0o700, "lock": 0o600, "00000001.spool": 0o600}


def test_two_writers_never_share_a_boot(spools):
    writer = SpoolWriter(spools, "here", "boot")
    with pytest.raises(BootTaken, match="boot id of its own"):
        SpoolWriter(spools, "here", "boot")
    writer.close()


# ── kill -9 ──


def kill_at_random(child, spools: Path, boot: str, guard: str) -> int:
    """How many entries of a killed writer are missing, of those it said were appended."""
    process = child("write", spools, boot, guard)
    assert process.stdout is not None
    # Twenty are said to be appended, however slowly it goes on from here.
    said = process.stdout.read(8 * 20)
    time.sleep(random.uniform(0.0, 0.05))
    process.kill()
    said += process.stdout.read()
    process.wait()
    appended = int.from_bytes(said[len(said) // 8 * 8 - 8 :][:8])
    reader = SpoolReader(spools / boot)
    assert reader.is_dead()
    seqs = []
    while not reader.finished:
        seqs.extend(item.seq for item in reader.read(5000))
    reader.close()
    assert seqs == list(range(1, len(seqs) + 1))
    assert reader.damage.corrupt == reader.damage.missing == 0
    assert appended > 10
    return max(0, appended - len(seqs))


def test_killing_a_writer_loses_nothing_that_was_appended(child, spools):
    assert [kill_at_random(child, spools, f"boot{n}", "append") for n in range(6)] == [0] * 6


def test_the_kill_test_sees_an_append_that_is_left_out(child, spools):
    assert kill_at_random(child, spools, "boot", "bypass") > 0


# ── strict durability ──


def test_synced_returns_only_after_the_disk_has_the_entry(spools, settled):
    disk = Disk()
    writer = SpoolWriter(spools, "here", "boot", sync=disk.sync)

    async def run() -> None:
        disk.works.clear()
        waiting = asyncio.ensure_future(writer.synced(writer.append(settled())))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        assert writer.state.synced == 0
        disk.works.set()
        await asyncio.wait_for(waiting, 90)
        assert writer.state.synced == 1

    asyncio.run(run())
    writer.close()


def test_many_who_wait_share_a_sync(spools, settled):
    disk = Disk()
    writer = SpoolWriter(spools, "here", "boot", sync=disk.sync)

    async def run() -> None:
        disk.works.clear()
        waiting = [asyncio.ensure_future(writer.synced(writer.append(settled(f"x-{n}")))) for n in range(500)]
        await asyncio.sleep(0)
        disk.works.set()
        await asyncio.wait_for(asyncio.gather(*waiting), 90)

    asyncio.run(run())
    assert disk.syncs <= 4
    writer.close()


def test_one_who_waits_does_not_wait_for_the_group(spools, settled):
    writer = SpoolWriter(spools, "here", "boot", group=3600)
    asyncio.run(asyncio.wait_for(writer.synced(writer.append(settled())), 90))
    writer.close()


def test_without_anyone_waiting_entries_are_synced_too(spools, settled):
    writer = SpoolWriter(spools, "here", "boot")
    writer.append(settled())
    until(lambda: writer.state.synced == 1)
    writer.close()


def test_a_disk_that_hangs_in_a_sync_never_holds_up_an_append(spools, settled):
    disk = Disk()
    writer = SpoolWriter(spools, "here", "boot", segment_bytes=1000, sync=disk.sync)
    disk.works.clear()
    for n in range(1000):
        writer.append(settled(f"x-{n}"))
    assert writer.state.synced < 1000
    disk.works.set()
    writer.close()
    assert writer.state.synced == 1000


class Power:
    """Knows how much of each file is on the disk; the rest goes with the power. One that is `deaf` never syncs."""

    def __init__(self, *, deaf: bool) -> None:
        self.deaf = deaf
        self.safe: dict[str, int] = {}

    def sync(self, fd: int) -> None:
        if not self.deaf:
            self.safe[Path(f"/proc/self/fd/{fd}").readlink().name] = os.fstat(fd).st_size


def promised_and_kept(power: Power, spools: Path, settled) -> tuple[int, int]:
    """The last entry that was promised to be on the disk, and the last that is there after a power cut."""
    writer = SpoolWriter(spools, "here", "boot", segment_bytes=5000, sync=power.sync)

    async def run() -> tuple[int, dict[str, int]]:
        for n in range(100):
            seq = writer.append(settled(f"x-{n}"))
            if n % 9 == 0:
                await writer.synced(seq)
                promised = seq
        return promised, dict(power.safe)

    promised, safe = asyncio.run(run())
    writer.close()
    for path in (spools / "boot").glob("*.spool"):
        os.truncate(path, safe.get(path.name, 0))
    return promised, max(read_all(spools)[0], default=0)


def test_a_power_cut_loses_nothing_that_was_promised_to_be_on_the_disk(spools, settled):
    promised, kept = promised_and_kept(Power(deaf=False), spools, settled)
    assert kept >= promised > 90


def test_the_power_cut_test_sees_a_sync_that_is_left_out(spools, settled):
    promised, kept = promised_and_kept(Power(deaf=True), spools, settled)
    assert kept < promised


# ── disks that fail ──


def test_a_failed_sync_is_told_to_those_who_wait_and_nothing_is_lost_once_the_disk_is_well(spools, settled):
    disk = Disk()
    writer = SpoolWriter(spools, "here", "boot", sync=disk.sync)
    writer.append(settled("before"))
    until(lambda: writer.state.synced == 1)
    disk.error = errno.EIO

    async def wait(seq: int) -> None:
        await asyncio.wait_for(writer.synced(seq), 90)

    with pytest.raises(SpoolBroken):
        asyncio.run(wait(writer.append(settled("unsynced"))))
    assert writer.state.name == "broken"
    assert "repair the disk" in (writer.state.message or "")
    with pytest.raises(SpoolBroken):
        writer.append(settled("held"))
    assert writer.state.held == 1
    with pytest.raises(SpoolBroken):
        asyncio.run(wait(3))
    disk.error = None
    until(lambda: writer.state.name == "ok" and writer.state.synced == 3)
    assert writer.append(settled("after")) == 4
    writer.close()
    seqs, ids, reader = read_all(spools)
    assert list(zip(seqs, ids, strict=True)) == [(1, "before"), (2, "unsynced"), (3, "held"), (4, "after")]
    assert reader.damage.corrupt == reader.damage.missing == 0


def test_after_a_failed_sync_the_entries_in_doubt_are_written_a_second_time(spools, settled):
    # A kernel that failed to write a page back takes it for clean, so syncing the same file again proves nothing.
    disk = Disk()
    writer = SpoolWriter(spools, "here", "boot", sync=disk.sync)
    writer.append(settled("before"))
    until(lambda: writer.state.synced == 1)
    disk.error = errno.EIO
    writer.append(settled("unsynced"))
    until(lambda: writer.state.name == "broken")
    disk.error = None
    until(lambda: writer.state.name == "ok")
    writer.close()
    first, *_, second = sorted((spools / "boot").glob("*.spool"))
    assert b"before" in first.read_bytes()
    assert b"before" not in second.read_bytes()
    assert b"unsynced" in second.read_bytes()


def test_memory_for_entries_that_wait_is_bounded_and_what_is_lost_is_counted(spools, settled):
    disk = Disk()
    writer = SpoolWriter(spools, "here", "boot", sync=disk.sync)
    disk.error = errno.EIO
    writer.append(settled())
    until(lambda: writer.state.name == "broken")
    for _ in range(HELD_LIMIT + 3):
        with pytest.raises(SpoolBroken):
            writer.append(settled())
    assert (writer.state.held, writer.state.lost) == (HELD_LIMIT, 3)
    disk.error = None
    until(lambda: writer.state.name == "ok")
    writer.close()
    assert len(read_all(spools)[0]) == HELD_LIMIT + 1


def test_an_opened_entry_that_was_refused_is_not_written_later(spools, opened, settled):
    disk = Disk()
    writer = SpoolWriter(spools, "here", "boot", sync=disk.sync)
    disk.error = errno.EIO
    writer.append(settled())
    until(lambda: writer.state.name == "broken")
    with pytest.raises(SpoolBroken):
        writer.append(opened())
    assert writer.state.held == 0
    disk.error = None
    writer.close()


def test_a_file_that_may_not_grow_is_full_and_goes_on_when_it_may(child, spools):
    process = child("fill", spools, 10_000)
    assert process.stdout is not None
    full, after = process.stdout.read().splitlines()
    appended, name, held = full.split()
    assert (name, held) == (b"full", b"1")
    # What was held comes before what was appended after.
    assert after == b"%d ok 0" % (int(appended) + 2)
    seqs, ids, reader = read_all(spools)
    assert seqs == list(range(1, int(appended) + 3))
    assert ids[-1] == "after"
    assert reader.damage.corrupt == reader.damage.missing == 0


@pytest.fixture
def tiny_disk(tmp_path):
    """1 MiB of tmpfs where this process may mount one, else None."""
    place = tmp_path / "tiny"
    place.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    mounted = libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", 0, b"size=1m") == 0
    yield place if mounted else None
    if mounted:
        assert libc.umount2(os.fsencode(place), 2) == 0


def test_a_full_disk_is_a_named_state_and_the_spool_goes_on_by_itself_when_there_is_room(tiny_disk, settled):
    if tiny_disk is None:
        # Only root may mount; the same promise is kept to a limit of the process in the test above.
        return
    (tiny_disk / "other").write_bytes(bytes(900_000))
    writer = SpoolWriter(tiny_disk / "spool", "here", "boot")
    appended = 0
    with pytest.raises(SpoolFull, match="free or repair the disk"):
        while True:
            writer.append(settled(f"x-{appended}"))
            appended += 1
    assert (writer.state.name, writer.state.held) == ("full", 1)
    (tiny_disk / "other").unlink()
    # Nobody appends, and yet what was held is written.
    until(lambda: writer.state.name == "ok")
    assert writer.state.held == 0
    until(lambda: writer.state.synced == appended + 1)
    writer.close()
    seqs, ids, reader = read_all(tiny_disk / "spool")
    assert seqs == list(range(1, appended + 2))
    assert ids == [f"x-{n}" for n in range(appended + 1)]
    assert reader.damage.corrupt == reader.damage.missing == 0


def test_a_writer_can_be_made_where_nothing_can_be_written_and_goes_on_when_it_can(tmp_path, settled):
    blocked = tmp_path / "spool"
    blocked.write_text("in the way")
    writer = SpoolWriter(blocked, "here", "boot")
    assert writer.state.name == "broken"
    with pytest.raises(SpoolBroken):
        writer.append(settled("held"))
    blocked.unlink()
    until(lambda: writer.state.name == "ok")
    writer.append(settled("after"))
    writer.close()
    assert read_all(blocked)[1] == ["held", "after"]
