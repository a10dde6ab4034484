"""Who goes to which arm, seen from outside."""

from concurrent.futures import ThreadPoolExecutor

from harness import config, until


def arms_of(gateway, units):
    def ask(unit):
        status, headers, _ = gateway.chat(text=f"about {unit}", headers={"x-earthward-unit": unit})
        assert status == 200
        return unit, headers["x-earthward-arm"]

    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(ask, units))


def test_a_raised_share_moves_nobody_back_and_a_unit_stays_where_it_is(start, cloud, local):
    gateway = start(cloud, local, workers=2, share="25%")
    units = [f"user-{number}" for number in range(300)]
    first = arms_of(gateway, units)
    assert arms_of(gateway, units) == first, "sticky, whichever worker answers"
    at_quarter = {unit for unit, arm in first.items() if arm == "candidate"}
    assert 0.15 < len(at_quarter) / len(units) < 0.35
    before = gateway.status()["snapshot"]
    gateway.config.write_text(config(cloud, local, share="50%"))

    def is_everywhere() -> bool:
        status = gateway.status()
        return bool(status["snapshot"] != before and status["workers"]["current"] == 2)

    until(is_everywhere, "the new share")
    at_half = {unit for unit, arm in arms_of(gateway, units).items() if arm == "candidate"}
    assert at_quarter < at_half
    rows = gateway.rows(900)
    assert {row["share"] for row in rows} == {2500, 5000}
    assert len({row["unit"] for row in rows}) == 300
    assert not any("user-" in row["unit"] for row in rows), "units are on record as hashes"


def test_one_key_with_many_conversations_splits_by_conversation(start, cloud, local):
    gateway = start(cloud, local, share="50%")
    arms = [gateway.chat(text=f"conversation {number}")[1]["x-earthward-arm"] for number in range(60)]
    assert 10 < arms.count("candidate") < 50
    again = [gateway.chat(text=f"conversation {number}")[1]["x-earthward-arm"] for number in range(60)]
    assert again == arms


def test_a_later_turn_stays_on_the_arm_of_its_conversation(start, cloud, local):
    gateway = start(cloud, local, share="50%")
    for number in range(12):
        opening = {"role": "user", "content": f"conversation {number}"}
        _, first, answer = gateway.chat(messages=[opening])
        later = [opening, answer["choices"][0]["message"], {"role": "user", "content": "go on"}]
        assert gateway.chat(messages=later)[1]["x-earthward-arm"] == first["x-earthward-arm"]
