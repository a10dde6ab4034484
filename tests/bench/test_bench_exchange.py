"""Measuring an exchange without its sockets: that what is counted took place."""

import gc
from pathlib import Path

import pytest
import uvloop

from earthward.bench.exchange import CALLERS, CHUNKS, Auth, exchanged, measure, middle, shown
from earthward.ledger.record import Attempt, Entry, Opened, Record, Settled
from earthward.store.spool_reader import SpoolReader, boots


def entries(folder: Path) -> list[Entry]:
    (boot,) = boots(folder / "spool")
    reader = SpoolReader(boot)
    found = []
    while batch := reader.read(1000):
        found += [spooled.entry for spooled in batch]
    reader.close()
    return found


@pytest.mark.parametrize("auth", ["keys", "open"])
@pytest.mark.parametrize("way", ["whole", "translated", "stream"])
def test_every_exchange_is_opened_and_settled_well(way: str, auth: Auth, tmp_path: Path) -> None:
    count = CALLERS[way] + 3
    figures = uvloop.run(exchanged(way, auth, count, tmp_path))
    spooled = entries(tmp_path)
    records = [entry.record for entry in spooled if isinstance(entry, Settled)]
    assert len([entry for entry in spooled if isinstance(entry, Opened)]) == len(records) == figures.exchanges == count
    assert {record.status for record in records} == {"ok"}
    assert {record.key for record in records} == {"k1" if auth == "keys" else ""}
    assert {record.target for record in records} == {"mini", "llama"}
    assert all(record.usage.output.tokens == (CHUNKS[way] or 30) for record in records)
    # Besides the chunks with text: the one with the reason, and the last one.
    assert figures.chunks == (count * (CHUNKS[way] + 2) if CHUNKS[way] else 0)


@pytest.mark.parametrize("way", ["whole", "translated", "stream"])
def test_an_exchange_leaves_nothing_for_the_collector(way: str, tmp_path: Path) -> None:
    def left_by(count: int, folder: Path) -> int:
        gc.collect()
        # What other tests have left in this process need not be looked through again.
        gc.freeze()
        gc.disable()
        try:
            uvloop.run(exchanged(way, "keys", count, folder))
            return gc.collect()
        finally:
            gc.enable()
            gc.unfreeze()

    few, many = left_by(CALLERS[way], tmp_path / "few"), left_by(2 * CALLERS[way], tmp_path / "many")
    assert abs(many - few) < CALLERS[way]


def test_each_field_of_a_record_holds_what_its_name_says(tmp_path: Path) -> None:
    uvloop.run(exchanged("whole", "keys", 1, tmp_path))
    opened, settled = entries(tmp_path)
    assert isinstance(opened, Opened)
    assert isinstance(settled, Settled)
    record = settled.record
    (attempt,) = record.attempts
    assert record == Record(
        id=opened.id,
        accepted_at=record.accepted_at,
        status="ok",
        queued=record.queued,
        duration=record.duration,
        dialect="openai_chat",
        path="/v1/chat/completions",
        requested_model="gpt-4o-mini",
        key="k1",
        app="app",
        team="team",
        unit=opened.unit,
        route="trial",
        arm="baseline",
        share=2500,
        snapshot="1",
        target="mini",
        endpoint="http://127.0.0.1:1/v1",
        upstream_dialect="openai_chat",
        model="gpt-4o-mini",
        attempts=(
            Attempt(
                "mini",
                "http://127.0.0.1:1/v1",
                "baseline",
                opened.at,
                attempt.duration,
                200,
                usage=record.usage,
                cost=21_000,
            ),
        ),
        http_status=200,
        finish_reason="stop",
        usage=record.usage,
        characters_in=len("You are helpful.Say something about 0 foxes in one sentence please."),
        characters_out=3 * len("The quick brown fox jumps over the lazy dog. "),
        cost=20 * 150 + 30 * 600,
    )
    assert 0 < record.queued < record.duration
    assert record.accepted_at < opened.at
    assert record.unit


def test_the_middle_round_is_told() -> None:
    rounds = [measure("whole", "keys", 20) for _ in range(3)]
    told = middle(rounds)
    assert sorted(each.per_exchange for each in rounds)[1] == told.per_exchange
    assert "exchange" in shown(told)
