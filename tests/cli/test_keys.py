import json
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.cli.key_store import lifetime
from earthward.cli.keys import app
from earthward.config.snapshot import Quota, Spend
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
        if words[0] in ("create", "rotate"):
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


def stored(tmp_path: Path):
    engine = tables.open(f"sqlite:///{tmp_path}/ledger.db")
    found = keys.active_keys(engine)
    engine.dispose()
    return found


LIMITS = (
    "--rpm",
    "60",
    "--tpm",
    "9000",
    "--parallel",
    "4",
    "--budget",
    "100",
    "--budget",
    "5/day",
    "--budget-soft",
    "80",
)


def test_limits_are_given_at_the_making_and_shown(run, tmp_path):
    assert run("create", *LIMITS).exit_code == 0
    (key,) = stored(tmp_path)
    assert key.quota == Quota(60, 9000, 4, (Spend("day", 5 * 10**9), Spend("month", 100 * 10**9, 80 * 10**9)))
    assert "60 rpm, 9,000 tpm, 4 at a time" in run("list").stdout
    (listed,) = json.loads(run("list", "--json").stdout)
    assert listed["quota"]["budgets"][1] == {"every": "month", "hard": 100.0, "soft": 80.0}


def test_one_limit_is_changed_and_the_others_stay(run, tmp_path):
    run("create", "--name", "till", *LIMITS)
    before = stored(tmp_path)[0]
    assert run("set", "till", "--rpm", "90", "--budget", "7/week", "--budget-soft", "none").exit_code == 0
    after = stored(tmp_path)[0]
    assert after.quota == Quota(90, 9000, 4, (Spend("week", 7 * 10**9),))
    assert (after.digest, after.meter) == (before.digest, before.meter)
    assert run("set", "till", "--rpm", "none", "--tpm", "none", "--parallel", "none", "--budget", "none").exit_code == 0
    assert stored(tmp_path)[0].quota is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "till"), "nothing to change"),
        (("set", "nobody", "--rpm", "1"), "there is no key 'nobody'"),
        (("set", "till", "--rpm", "0"), "--rpm '0' is no limit"),
        (("set", "till", "--tpm", "many"), "--tpm 'many' is no limit"),
        (("set", "till", "--budget", "5/year"), "takes dollars for a day, a week or a month"),
        (("set", "till", "--budget", "-5"), "takes dollars for a day, a week or a month"),
        (("set", "till", "--budget", "5", "--budget-soft", "9"), "nobody would ever be told"),
        (("set", "till", "--data-class", "secrets"), "unknown class of data"),
        (("rotate", "nobody"), "there is no key 'nobody'"),
        (("rotate", "till", "--overlap", "soon"), "'soon' is no time to live"),
        (("set", "twin", "--rpm", "1"), "2 keys are called 'twin': say which by its id"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(run, tmp_path, words, told):
    for name in ("till", "twin", "twin"):
        run("create", "--name", name)
    refused = run(*words)
    assert refused.exit_code in (1, 2)
    assert told in " ".join(refused.stderr.split())
    assert [key.quota for key in stored(tmp_path)] == [None] * 3


def test_a_key_is_named_by_itself_too_and_rotated_with_an_overlap(run, tmp_path):
    key = run("create").stdout.strip()
    made = run("rotate", key, "--overlap", "12h")
    assert made.exit_code == 0
    assert "The old secret works for 12h more" in made.stderr
    new = made.stdout.strip()
    assert new.split("-")[1] == key.split("-")[1]
    assert new != key
    assert {each.digest for each in stored(tmp_path)} == {
        digest_of(pepper(tmp_path / "state"), each.encode()) for each in (key, new)
    }
