from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.config.snapshot import Route
from earthward.routing import split

SALT = b"0123456789abcdef" * 4
UNITS = [f"unit-{number}" for number in range(10_000)]


def route(share: int = 2500, **fields: Any) -> Route:
    fields = {"name": "trial", "baseline": "cloud", "candidate": "house", "share": share, **fields}
    return Route(**fields)


def candidates(route: Route, units: list[str] = UNITS) -> set[str]:
    return {unit for unit in units if split.arm(route, split.named(SALT, unit), SALT)[0] == "candidate"}


def unit(route: Route, **given: Any) -> str:
    given = {"salt": SALT, "key": "key-1", "root": lambda: b"hello", **given}
    return split.unit(route, **given)


def test_a_quarter_of_ten_thousand_units_is_a_quarter() -> None:
    assert 2400 <= len(candidates(route(2500))) <= 2600


@pytest.mark.parametrize(("share", "count"), [(0, 0), (10_000, 10_000)])
def test_none_and_all_are_exact(share: int, count: int) -> None:
    assert len(candidates(route(share))) == count


def test_the_share_is_the_first_bucket_that_is_not_the_candidates() -> None:
    drawn = split.bucket(route(), "u", SALT)
    assert split.arm(route(drawn), "u", SALT) == ("baseline", drawn)
    assert split.arm(route(drawn + 1), "u", SALT) == ("candidate", drawn)


def test_raising_the_share_moves_nobody_back() -> None:
    before = candidates(route(2500))
    after = candidates(route(5000))
    assert before < after
    assert 4900 <= len(after) <= 5100


@given(st.text(max_size=20), st.integers(0, 10_000), st.integers(0, 10_000))
def test_any_unit_once_on_the_candidate_stays_there_at_any_higher_share(name: str, one: int, other: int) -> None:
    lower, higher = sorted((one, other))
    if candidates(route(lower), [name]):
        assert candidates(route(higher), [name])


def test_two_routes_split_independently() -> None:
    here, there = candidates(route(5000)), candidates(route(5000, name="other"))
    assert 2300 <= len(here & there) <= 2700


def test_a_new_epoch_draws_anew() -> None:
    before, after = candidates(route(5000)), candidates(route(5000, epoch=1))
    assert 2300 <= len(before & after) <= 2700


def test_another_gateways_salt_splits_otherwise() -> None:
    other = {unit for unit in UNITS if split.arm(route(5000), unit, b"other")[0] == "candidate"}
    same = {unit for unit in UNITS if split.arm(route(5000), unit, SALT)[0] == "candidate"}
    assert 2300 <= len(other & same) <= 2700


def test_a_unit_keeps_its_bucket() -> None:
    """Written down, since changing it would move everybody in the middle of every rollout."""
    assert split.bucket(route(), "0f" * 16, b"salt") == 5220
    assert split.named(b"salt", "user-123") == "80f73179df899a17a3db433194a84fbc"


def test_salts_of_any_length_work_and_differ() -> None:
    assert split.named(b"x" * 100, "u") != split.named(b"x" * 101, "u")


def test_the_header_comes_before_the_user_field_and_both_before_the_conversation() -> None:
    one = route()
    header = unit(one, header="team-7", user="ann")
    assert header == split.named(SALT, "team-7")
    assert unit(one, user="ann") == split.named(SALT, "ann")
    assert unit(one) not in (header, unit(one, user="ann"))


def test_the_conversation_is_only_read_when_nothing_names_the_unit() -> None:
    def read() -> bytes:
        raise AssertionError("read for nothing")

    assert unit(route(), header="h", root=read)
    assert unit(route(), user="u", root=read)
    assert unit(route(unit="key"), root=read)


def test_one_key_with_many_conversations_splits_by_conversation() -> None:
    one = route(2500)
    arms = [split.arm(one, unit(one, root=lambda n=n: f"question {n}".encode()), SALT)[0] for n in range(10_000)]
    assert 2400 <= arms.count("candidate") <= 2600


def test_a_conversation_stays_on_its_arm_and_is_another_one_under_another_key() -> None:
    one = route()
    assert unit(one, root=lambda: b"hi") == unit(one, root=lambda: b"hi")
    assert unit(one, root=lambda: b"hi") == unit(one, root=lambda: "hi")
    assert unit(one, root=lambda: b"hi") != unit(one, root=lambda: b"hi", key="key-2")


def test_key_and_conversation_are_kept_apart_wherever_one_ends() -> None:
    assert unit(route(), key="ab", root=lambda: b"c") != unit(route(), key="a", root=lambda: b"bc")


def test_unit_key_keeps_all_of_a_key_on_one_arm() -> None:
    by_key = route(unit="key")
    assert {unit(by_key, header=f"h{n}", user=f"u{n}", root=lambda n=n: b"%d" % n) for n in range(100)} == {
        split.named(SALT, "key-1")
    }


def test_what_is_on_record_does_not_show_the_name() -> None:
    assert "ann" not in unit(route(), user="ann@example.com")
    assert len(unit(route(), user="ann@example.com")) == 32


def test_half_a_surrogate_pair_is_a_name_like_any_other() -> None:
    assert unit(route(), user="\ud800") != unit(route(), user="\udc00")
    assert unit(route(), root=lambda: "\ud800")


@pytest.mark.parametrize("share", [0, 2500, 10_000])
def test_pilots_are_always_the_candidates(share: int) -> None:
    one = route(share, pilots=frozenset({"ann", "key-9"}))
    assert split.arm(one, unit(one, user="ann"), SALT) == ("candidate", -1)
    assert split.arm(one, unit(one, header="ann"), SALT) == ("candidate", -1)
    assert split.arm(one, unit(one, user="bob", key="key-9"), SALT, key="key-9") == ("candidate", -1)


@pytest.mark.parametrize(
    ("pilot", "who"),
    [
        ("user:ann", {"user": "ann"}),
        ("key:key-9", {"key": "key-9"}),
        ("app:shop", {"app": "shop"}),
        ("team:eu", {"team": "eu"}),
    ],
)
def test_pilots_are_named_by_user_key_app_or_team(pilot: str, who: dict[str, str]) -> None:
    one = route(0, pilots=frozenset({pilot}))
    groups = {name: value for name, value in who.items() if name != "user"}
    assert split.arm(one, unit(one, user=who.get("user", "bob")), SALT, **groups)[0] == "candidate"
    name = next(iter(who.values()))
    others = {"key", "app", "team"} - who.keys()
    assert split.arm(one, unit(one, user="bob"), SALT, **dict.fromkeys(others, name))[0] == "baseline"


@pytest.mark.parametrize("pilot", ["key:key-9", "app:shop", "team:eu"])
def test_nobody_gets_among_a_group_of_pilots_by_calling_themselves_so(pilot: str) -> None:
    one = route(0, pilots=frozenset({pilot}))
    assert split.arm(one, unit(one, header=pilot), SALT)[0] == "baseline"
    assert split.arm(one, unit(one, user=pilot.partition(":")[2]), SALT)[0] == "baseline"


def test_who_is_no_pilot_is_drawn_as_if_there_were_none() -> None:
    without, with_pilots = route(), route(pilots=frozenset({"someone else"}))
    assert candidates(with_pilots) == candidates(without)


def test_nobody_is_a_pilot_for_having_no_key() -> None:
    one = route(0, pilots=frozenset({"ann"}))
    assert split.arm(one, unit(one, key=""), SALT, key="")[0] == "baseline"


def test_routes_without_a_candidate_draw_nothing() -> None:
    assert split.arm(Route("r", use="a"), "u", SALT) == ("only", -1)
    assert split.arm(Route("r", baseline="a"), "u", SALT) == ("baseline", -1)


@given(
    share=st.integers(0, 10_000),
    by_key=st.booleans(),
    header=st.sampled_from(["", "ann"]),
    user=st.sampled_from([None, "", "bob"]),
    root=st.binary(max_size=50),
    key=st.text(max_size=5),
)
def test_what_is_worked_out_beforehand_draws_the_same(
    share: int, by_key: bool, header: str, user: str | None, root: bytes, key: str
) -> None:
    plain = route(share, unit="key" if by_key else Route("x").unit)
    draw = split.Draw(plain, SALT, key, header)
    name = split.unit(plain, salt=SALT, key=key, header=header, user=user, root=lambda: root)
    assert draw.unit(user, root) == name
    assert draw.arm(name) == split.arm(plain, name, SALT, key=key)[0]
