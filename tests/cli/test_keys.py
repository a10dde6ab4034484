import json
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.cli.keys import app, lifetime
from earthward.store import keys, tables
from earthward.store.digest import digest_of, pepper

CONFIG = """\
store: sqlite:///ledger.db
state: here
auth: keys
providers:
  cloud: {kind: openai, api_key: env:KEY}
targets:
  mini: {provider: cloud, model: gpt-4o-mini}
routes:
  - {name: everything, use: mini}
"""


@pytest.fixture
def run(tmp_path: Path):
    """Runs `earthward keys` with these words, on a store and a state folder of the test's own."""

    def run(*words: str) -> Result:
        place = ["--store", f"sqlite:///{tmp_path}/ledger.db"]
        if words[0] == "create":
            place += ["--state", str(tmp_path / "state")]
        return CliRunner().invoke(app, [*words, *place])

    return run


def test_a_key_is_made_shown_once_and_works(run, tmp_path):
    made = run("create", "--app", "shop", "--team", "web", "--name", "till", "--route", "a", "--route", "b")
    assert made.exit_code == 0
    key = made.stdout.strip()
    assert re.fullmatch(r"ew-[a-z2-9]{6}-[A-Za-z0-9_-]{43}", key)
    assert "can't be shown again" in made.stderr
    engine = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    (stored,) = keys.active_keys(engine)
    assert stored.digest == digest_of(pepper(tmp_path / "state"), key.encode())
    assert (stored.app, stored.team, stored.routes) == ("shop", "web", ("a", "b"))
    engine.dispose()
    assert key not in run("list").stdout
    assert key not in run("list", "--json").stdout


def test_a_key_stands_for_a_class_of_data_and_may_ask_for_explanations(run, tmp_path):
    run("create", "--data-class", "health", "--may-explain")
    run("create")
    engine = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    assert {(key.data_class, key.may_explain) for key in keys.active_keys(engine)} == {("health", True), ("", False)}
    engine.dispose()
    first, second = run("list").stdout.splitlines()[1:]
    assert first.split()[2:5] == ["all", "health", "yes"]
    assert second.split()[2:5] == ["all", "any", "no"]
    assert [row["data_class"] for row in json.loads(run("list", "--json").stdout)] == ["health", ""]


def test_a_class_that_is_not_known_is_wrong_use_and_no_key_is_made(run, tmp_path):
    refused = run("create", "--data-class", "helth")
    assert refused.exit_code == 2
    assert "did you mean `health`? Known: health, internal, payment, personal, public, secret" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_made_is_private(run, tmp_path):
    run("create")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"ledger.db": 0o600, "state": 0o700, "pepper": 0o600}


def test_a_list_shows_what_each_key_is_for_and_whether_it_works(run):
    made = json.loads(run("create", "--app", "shop", "--route", "a", "--expires", "90d", "--json").stdout)
    run("create", "--app", "[red]till")
    run("revoke", made["id"])
    shown = run("list")
    assert shown.exit_code == 0
    first, second = shown.stdout.splitlines()[1:]
    assert made["id"] in first
    assert "revoked" in first
    assert "[red]till" in second
    assert "active" in second
    listed = json.loads(run("list", "--json").stdout)
    assert [(row["state"], row["app"], row["routes"]) for row in listed] == [
        ("revoked", "shop", ["a"]),
        ("active", "[red]till", []),
    ]
    assert listed[0]["expires_at"] - listed[0]["created_at"] == 90 * 86_400 * 10**9


def test_a_key_is_revoked_by_its_id_or_by_itself(run):
    for name in ("id", "key"):
        made = json.loads(run("create", "--json").stdout)
        revoked = run("revoke", made[name])
        assert (revoked.exit_code, revoked.stdout) == (0, f"Key {made['id']} is revoked.\n")
        assert made["key"] not in revoked.output
    assert [row["state"] for row in json.loads(run("list", "--json").stdout)] == ["revoked", "revoked"]


def test_a_key_that_is_not_there_is_a_no(run):
    run("create")
    refused = run("revoke", "nobody")
    assert refused.exit_code == 1
    assert "there is no key" in refused.stderr


def test_nothing_is_listed_or_made_where_there_is_no_store(run, tmp_path):
    for words in (["list"], ["revoke", "x"]):
        refused = run(*words)
        assert refused.exit_code == 2
        assert "there is no store" in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "seconds"), [("90d", 7_776_000), ("12h", 43_200), ("2w", 1_209_600), ("5m", 300)])
def test_a_lifetime_is_a_number_and_a_unit(text, seconds):
    assert lifetime(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "5y", "1.5d", "٣d"])
def test_any_other_lifetime_is_wrong_use(run, text):
    refused = run("create", "--expires", text)
    assert refused.exit_code == 2
    assert "90d" in refused.stderr


def test_store_and_state_come_from_the_configuration_and_so_do_the_routes(tmp_path):
    (tmp_path / "mine.yaml").write_text(CONFIG)
    place = ["-c", str(tmp_path / "mine.yaml")]
    made = CliRunner().invoke(app, ["create", "--route", "everything", *place])
    assert made.exit_code == 0, made.output
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["here", "ledger.db", "mine.yaml", "pepper"]
    refused = CliRunner().invoke(app, ["create", "--route", "everythin", *place])
    assert refused.exit_code == 2
    assert "`everything`" in refused.stderr


def test_a_configuration_that_can_not_be_read_is_wrong_use(tmp_path):
    refused = CliRunner().invoke(app, ["list", "-c", str(tmp_path / "nowhere.yaml")])
    assert refused.exit_code == 2
    assert "nowhere.yaml" in refused.stderr
