"""`ledger export` and `ledger reconcile`, on a ledger of a few exchanges."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from earthward.chat.usage import Count, Usage
from earthward.cli import application
from earthward.config.money import Money
from earthward.config.snapshot import Provider, Snapshot, Target
from earthward.control.bookkeeper import Bookkeeper
from earthward.ledger.record import Attempt, Record, Settled
from earthward.store.intake import Intake
from earthward.store.spool import SpoolWriter
from earthward.store.tables import open as open_store

AT = int(datetime(2025, 11, 1, 12, tzinfo=UTC).timestamp()) * 10**9
USED = Usage(Count.reported(1000), Count.reported(100), Count.reported(0), Count.reported(0))
SNAPSHOT = Snapshot(
    "v", "d", (Provider("c", "openai", "openai_chat", "cloud", ()),), (Target("mini", "c", "gpt-4o-mini", "cloud"),), ()
)
BILL = (
    "start_time,end_time,num_model_requests,model,input_tokens,output_tokens\n"
    "1761955200,1762041600,{requests},gpt-4o-mini-2024-07-18,{input},200\n"
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/ledger.db"
    records = []
    for number, model in enumerate(("gpt-4o-mini", "=cmd|'/c calc'!A1")):
        attempt = Attempt("mini", "u", "first", AT, usage=USED, cost=210_000)
        records.append(
            Record(
                f"x{number}", AT, "ok", requested_model=model, target="mini", model="gpt-4o-mini",
                attempts=(attempt,), usage=USED, cost=210_000,
            )
        )  # fmt: skip
    fill(url, tmp_path, *records)
    return url


def fill(url: str, folder: Path, *records: Record) -> None:
    engine = open_store(url)
    writer = SpoolWriter(folder / "spool", "here", "boot")
    for record in records:
        writer.append(Settled(record))
    writer.close()
    intake = Intake(engine, folder / "spool", "here")
    while not intake.step().is_drained:
        pass
    Bookkeeper(engine, lambda: SNAPSHOT, Money).step()
    engine.dispose()


def ledger(*arguments: str) -> Result:
    return CliRunner().invoke(application(("ledger", "check")), ["ledger", *arguments])


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_an_export_holds_every_exchange_and_can_be_assessed(form: str, url: str, tmp_path: Path) -> None:
    path = tmp_path / f"out.{form}"
    assert "2 exchanges" in ledger("export", str(path), "--store", url).output
    result = CliRunner().invoke(application(("assess", "check")), ["assess", str(path), "--json"])
    assert json.loads(result.output)["total"]["input"] == 2000
    assert path.stat().st_mode & 0o077 == 0


def test_no_cell_of_an_export_is_a_formula(url: str, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    ledger("export", str(path), "--store", url)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert rows[1]["requested_model"] == "'=cmd|'/c calc'!A1"


def test_parquet_has_numbers_as_numbers(url: str, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    ledger("export", str(path), "--store", url)
    assert duckdb.execute(f"SELECT sum(cost), max(requested_model) FROM '{path}'").fetchone() == (
        420_000,
        "gpt-4o-mini",
    )


def test_days_bound_an_export(url: str, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert "0 exchanges" in ledger("export", str(path), "--store", url, "--since", "2025-11-02").output
    assert "2 exchanges" in ledger("export", str(path), "--store", url, "--until", "2025-11-02").output


def test_a_wrong_export_says_what_to_write(url: str, tmp_path: Path) -> None:
    for arguments, words in (
        ((str(tmp_path / "out.xls"),), "csv, jsonl or parquet"),
        ((str(tmp_path / "out.csv"), "--since", "soon"), "takes a day"),
        ((str(tmp_path / "no" / "out.csv"),), "can't be written"),
    ):
        result = ledger("export", *arguments, "--store", url)
        assert result.exit_code == 2
        assert words in result.output


def test_a_bill_that_agrees_is_a_yes(url: str, tmp_path: Path) -> None:
    path = tmp_path / "bill"
    path.write_text(BILL.format(requests=2, input=2000))
    result = ledger("reconcile", str(path), "--store", url)
    assert result.exit_code == 0, result.output
    assert "agrees" in result.output


def test_a_bill_with_more_is_a_no_with_the_reason(url: str, tmp_path: Path) -> None:
    path = tmp_path / "bill"
    path.write_text(BILL.format(requests=10, input=9000))
    result = ledger("reconcile", str(path), "--store", url, "--json")
    assert result.exit_code == 1
    assert "not all of it passed" in json.loads(result.output)["differences"][0]["why"][0]


def test_what_a_target_that_never_served_was_paid_is_held_against_the_bill_too(tmp_path: Path) -> None:
    url, at = f"sqlite:///{tmp_path}/ledger.db", AT
    tried = Attempt("dear", "u", "first", at, usage=USED, cost=500_000)
    served = Attempt("mini", "u", "failed", at, usage=USED, cost=210_000)
    fill(
        url,
        tmp_path,
        Record(
            "x", at, "ok", requested_model="m", target="mini", model="gpt-4o-mini", attempts=(tried, served),
            usage=USED, cost=710_000,
        ),
    )  # fmt: skip
    path = tmp_path / "bill"
    path.write_text(BILL.format(requests=1, input=1000))
    found = json.loads(ledger("reconcile", str(path), "--store", url, "--json").output)["differences"]
    assert [(it["model"], it["ledger"]["cost"]) for it in found] == [("dear", 500_000), ("gpt-4o-mini", 210_000)]


def test_an_empty_bill_is_not_enough_evidence(url: str, tmp_path: Path) -> None:
    path = tmp_path / "bill"
    path.write_text(BILL.splitlines()[0] + "\n")
    assert ledger("reconcile", str(path), "--store", url).exit_code == 3
