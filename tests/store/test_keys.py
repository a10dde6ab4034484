import hashlib
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from earthward.config.snapshot import Key, Quota, Spend
from earthward.store import keys
from earthward.store.digest import digest_of

PEPPER = b"pepper of a test"
DAY = 86_400_000_000_000


def test_a_key_is_found_by_the_digest_of_what_its_caller_presents(engine):
    rights = {"routes": ["a", "b"], "expires_at": DAY, "data_class": "health", "may_explain": True}
    key, row = keys.create(engine, PEPPER, 1, app="shop", team="web", **rights)
    found = keys.active_keys(engine)
    assert found == [Key(row.id, digest_of(PEPPER, key.encode()), "shop", "web", ("a", "b"), DAY, "health", True)]
    assert keys.listed(engine) == [row]
    assert (row.data_class, row.may_explain) == ("health", True)


def test_a_key_has_a_readable_id_and_at_least_32_random_characters(engine):
    made = [keys.create(engine, PEPPER, n)[0] for n in range(20)]
    assert all(re.fullmatch(r"ew-[a-z2-9]{6}-[A-Za-z0-9_-]{43}", key) for key in made)
    assert len({key.split("-", 2)[2] for key in made}) == 20


def test_neither_the_key_nor_its_plain_hash_is_in_the_database(engine, tmp_path):
    key, row = keys.create(engine, PEPPER, 1)
    data = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    secret = key.split("-", 2)[2].encode()
    assert row.id.encode() in data
    assert secret not in data
    assert hashlib.sha256(key.encode()).digest() not in data


def test_keys_can_be_made_by_many_at_once(engine):
    with ThreadPoolExecutor(4) as threads:
        made = [threads.submit(keys.create, engine, PEPPER, n) for n in range(24)]
    assert len({future.result()[1].id for future in made}) == 24


def test_a_revoked_key_is_listed_but_not_active_and_stays_revoked_since_the_first_time(engine):
    _, row = keys.create(engine, PEPPER, 1)
    assert keys.revoke(engine, row.id, 5)
    assert keys.revoke(engine, row.id, 9)
    assert keys.active_keys(engine) == []
    assert [(kept.id, kept.revoked_at, kept.state(5)) for kept in keys.listed(engine)] == [(row.id, 5, "revoked")]


def test_a_key_that_is_not_there_can_not_be_revoked(engine):
    assert not keys.revoke(engine, "nobody", 5)


def test_an_expired_key_is_still_known_so_that_its_caller_hears_why(engine):
    _, row = keys.create(engine, PEPPER, 1, expires_at=10)
    assert (row.state(9), row.state(10)) == ("active", "expired")
    assert [key.expires_at for key in keys.active_keys(engine)] == [10]


def test_the_version_changes_when_a_key_is_made_or_revoked_and_not_otherwise(engine):
    versions = [keys.keys_version(engine)]
    _, one = keys.create(engine, PEPPER, 1)
    versions.append(keys.keys_version(engine))
    keys.create(engine, PEPPER, 2)
    versions.append(keys.keys_version(engine))
    keys.revoke(engine, one.id, 3)
    versions.append(keys.keys_version(engine))
    assert len(set(versions)) == 4
    keys.revoke(engine, one.id, 4)
    assert keys.keys_version(engine) == versions[-1]


@pytest.mark.parametrize("text", ["'; DROP TABLE keys; --", '" OR 1=1', "%", "\0", "ü" * 300])
def test_no_text_in_an_id_or_a_label_is_taken_for_sql(engine, text):
    _, row = keys.create(engine, PEPPER, 1, name=text, app=text, team=text, routes=[text])
    assert not keys.revoke(engine, text, 2)
    assert keys.listed(engine) == [row]


def test_limits_are_kept_with_a_place_of_their_own_that_is_given_again_when_it_is_free(engine):
    quota = Quota(60, 1000, None, (Spend("month", 5, 4),))
    made = [keys.create(engine, PEPPER, n, quota=quota)[1].id for n in range(3)]
    keys.create(engine, PEPPER, 9)
    assert {key.id: (key.quota, key.meter) for key in keys.active_keys(engine) if key.quota} == {
        made_id: (quota, place) for place, made_id in enumerate(made)
    }
    keys.revoke(engine, made[1], 5)
    _, again = keys.create(engine, PEPPER, 10, quota=Quota(rpm=1))
    assert {key.id: key.meter for key in keys.active_keys(engine) if key.quota}[again.id] == 1


def test_a_key_is_changed_and_its_secret_stays(engine):
    key, row = keys.create(engine, PEPPER, 1, name="till", app="shop")
    before = keys.keys_version(engine)
    changed = keys.change(engine, row.id, team="web", quota=Quota(rpm=5), routes=("a",), expires_at=7)
    assert (changed.app, changed.team, changed.routes, changed.expires_at) == ("shop", "web", ("a",), 7)
    (active,) = keys.active_keys(engine)
    assert (active.digest, active.quota, active.meter) == (digest_of(PEPPER, key.encode()), Quota(rpm=5), 0)
    assert keys.keys_version(engine) != before
    keys.change(engine, row.id, quota=Quota(rpm=6))
    assert [(key.quota, key.meter) for key in keys.active_keys(engine)] == [(Quota(rpm=6), 0)]
    keys.change(engine, row.id, quota=None)
    assert [(key.quota, key.meter) for key in keys.active_keys(engine)] == [(None, -1)]


def test_a_rotated_key_opens_with_what_it_was_until_then(engine):
    old, row = keys.create(engine, PEPPER, 1, expires_at=50)
    new = keys.rotate(engine, PEPPER, row.id, 10, 20)
    assert {(key.digest, key.expires_at) for key in keys.active_keys(engine)} == {
        (digest_of(PEPPER, new.encode()), 50),
        (digest_of(PEPPER, old.encode()), 30),
    }
    newer = keys.rotate(engine, PEPPER, row.id, 20, 100)
    assert {(key.digest, key.expires_at) for key in keys.active_keys(engine)} == {
        (digest_of(PEPPER, newer.encode()), 50),
        (digest_of(PEPPER, new.encode()), 50),
    }
    last = keys.rotate(engine, PEPPER, row.id, 21, 0)
    assert [key.digest for key in keys.active_keys(engine)] == [digest_of(PEPPER, last.encode())]


def test_what_is_not_there_or_revoked_is_neither_changed_nor_rotated(engine):
    _, row = keys.create(engine, PEPPER, 1, name="till")
    assert keys.named(engine, "till") == keys.named(engine, row.id) == [row.id]
    keys.revoke(engine, row.id, 2)
    for who in (row.id, "nobody"):
        assert keys.change(engine, who, name="x") is None
        assert keys.rotate(engine, PEPPER, who, 3, 0) is None
    assert keys.named(engine, "till") == []
