import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from earthward.config.snapshot import Key
from earthward.ledger.record import Attempt, Record
from earthward.ledger.summary import totals
from earthward.store import keys, tables
from earthward.store.migrations.upgrade import upgrade
from earthward.store.rows import row_of

HOUR = 3_600_000_000_000
TRIED = [
    *[(("small", "mini"), status) for status in ("ok", "ok", "failed")],
    *[(targets, "ok") for targets in (("mini",), ("mini", "mini"), ())],
]


def test_an_empty_database_is_migrated_to_the_tables_the_code_knows(engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    assert set(inspect(engine).get_table_names()) == {*tables.metadata.tables, "alembic_version"}


def test_opening_again_changes_nothing_and_keeps_what_is_stored(engine, url):
    with engine.begin() as connection:
        connection.execute(tables.intake.insert().values(replica="r", boot="b", seq=1, segment=1, offset=1))
    again = tables.open(url)
    with again.connect() as connection:
        assert connection.scalar(text("SELECT seq FROM intake")) == 1
    again.dispose()


def test_processes_that_open_a_new_database_at_the_same_time_migrate_it_once(url):
    command = [sys.executable, "-c", f"from earthward.store import tables; tables.open({url!r}).dispose()"]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    errors = [process.communicate()[1] for process in processes]
    assert errors == [b""] * 3


def test_the_database_is_readable_for_its_owner_only(engine, tmp_path):
    with engine.begin() as connection:
        connection.execute(tables.intake.insert().values(replica="r", boot="b", seq=1, segment=1, offset=1))
        files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("ledger.db*")}
    assert files == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


def test_a_commit_waits_for_the_disk(engine):
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"


def test_a_store_of_a_newer_version_is_left_alone(engine, url):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(tables.StoreUnusable, match="newer version"):
        tables.open(url)


def test_the_newest_migration_is_the_one_that_is_looked_for(engine):
    config = Config()
    config.set_main_option("script_location", "earthward.store:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [tables.HEAD]


def test_what_was_rescued_before_it_was_summed_up_is_counted_by_the_migration(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    with engine.begin() as connection:
        upgrade(connection, "0001")
        for number, (tried, status) in enumerate(TRIED):
            attempts = tuple(Attempt(target, "", "", 0) for target in tried)
            at = 5 * HOUR - (number == 1)
            store_as_0001(connection, Record(f"x-{number}", at, status, target="mini", attempts=attempts))
    engine.dispose()
    engine = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT hour, status, rescued FROM exchange_hours ORDER BY hour, status")).all()
    engine.dispose()
    assert rows == [(4, "ok", 1), (5, "failed", 0), (5, "ok", 1)]


def test_keys_of_the_version_before_stand_for_no_class_and_explain_nothing(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    with engine.begin() as connection:
        upgrade(connection, "0002")
        columns = "id, digest, name, app, team, routes, created_at"
        connection.execute(text(f"INSERT INTO keys ({columns}) VALUES ('old', x'00', '', 'shop', '', '[]', 1)"))
    engine.dispose()
    engine = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    assert keys.active_keys(engine) == [Key("old", b"\0", "shop")]
    engine.dispose()


def store_as_0001(connection: Connection, record: Record) -> None:
    names = [column.name for column in tables.RECORD]
    connection.execute(tables.exchanges.insert().values(dict(zip(names, row_of(record), strict=True))))
    who = {name: getattr(record, name) for name in tables.HOUR_KEY[1:]}
    sums = dict(zip(tables.HOUR_SUMS, totals([record]), strict=True))
    del sums["rescued"]
    insert = sqlite_insert(tables.exchange_hours).values(hour=record.accepted_at // HOUR, **who, **sums)
    connection.execute(insert.on_conflict_do_nothing())


def test_a_folder_that_is_missing_is_made(tmp_path):
    tables.open(f"sqlite:///{tmp_path}/new/ledger.db").dispose()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("nonsense with-a-secret", "no database URL"),
        ("mysql://user:with-a-secret@host/db", "known are: postgresql, sqlite"),
        ("sqlite:////dev/null/ledger.db", "can't be made"),
    ],
)
def test_a_url_that_can_not_be_opened_says_what_to_change_and_no_secret(url, message):
    with pytest.raises(tables.StoreUnusable, match=message) as raised:
        tables.open(url)
    assert "with-a-secret" not in str(raised.value)


def test_postgresql_without_its_driver_says_what_to_install():
    # In a process of its own, in which no driver can be found even where one is installed.
    code = "import sys; sys.modules['psycopg'] = None\nfrom earthward.store import tables\ntables.open(sys.argv[1])"
    ran = subprocess.run([sys.executable, "-c", code, "postgresql://u:hidden@h/d"], capture_output=True, check=False)
    last = ran.stderr.decode().splitlines()[-1]
    assert "pip install 'psycopg[binary]'" in last
    assert "hidden" not in last


def test_the_sums_are_added_to_where_there_are_some(engine):
    rows = [(5, *["x"] * 8, *[1] * len(tables.HOUR_SUMS))] * 3
    statement, order = tables.statement(
        engine, tables.upsert(engine, tables.exchange_hours, tables.HOUR_KEY, tables.HOUR_SUMS)
    )
    assert tuple(order) == (*tables.HOUR_KEY, *tables.HOUR_SUMS)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement, rows)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT requests, generation FROM exchange_hours")).all() == [(3, 3)]


def test_a_database_of_another_program_is_left_alone(tmp_path):
    path = Path(tmp_path / "other.db")
    path.write_bytes(b"this is no database, and much longer than a header of one would be" * 20)
    with pytest.raises(tables.StoreUnusable, match="no SQLite database"):
        tables.open(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"this is no database")


def test_rows_can_be_read_with_any_sqlite_tool(engine, tmp_path):
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (0,)
    connection.close()
