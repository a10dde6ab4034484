import json

from earthward.simulator import FAULTS, Simulator


def test_a_script_sent_to_the_control_api_holds_for_the_next_requests(stage):
    async def play() -> list[int]:
        async with Simulator() as simulator:
            script = {"default": {"fault": "503"}, "queue": [{"behaviour": {"fault": "429"}, "times": 2}]}
            sent = await stage.ask(simulator, path="/sim/script", raw_body=json.dumps(script).encode())
            assert (sent.status, sent.json["default"]) == (200, {"fault": "503"})
            statuses = [(await stage.ask(simulator)).status for _ in range(3)]
            await stage.ask(simulator, path="/sim/reset", raw_body=b"")
            return [*statuses, (await stage.ask(simulator)).status]

    assert stage.run(play()) == [429, 429, 503, 200]


def test_a_script_nobody_understands_is_refused_with_the_reason(stage):
    (seen,) = stage.answers({"path": "/sim/script", "raw_body": b'{"default": {"fault": "explode"}}'})
    assert seen.status == 400
    assert "unknown fault 'explode'" in seen.json["error"]


def test_log_and_sums_are_read_over_http_and_do_not_count_themselves(stage):
    async def play() -> tuple[list[int], list[int], int]:
        async with Simulator() as simulator:
            for _ in range(3):
                await stage.ask(simulator)
            log = await stage.ask(simulator, method="GET", path="/sim/log")
            later = await stage.ask(simulator, method="GET", path="/sim/log?since=1&limit=1")
            stats = await stage.ask(simulator, method="GET", path="/sim/stats")
            ordinals = [[entry["ordinal"] for entry in seen.json] for seen in (log, later)]
            return ordinals[0], ordinals[1], stats.json["attempts"]

    assert stage.run(play()) == ([0, 1, 2], [1], 3)


def test_bodies_are_in_the_log_only_if_kept_and_asked_for(stage):
    async def bodies(keep: bool) -> list[object]:
        async with Simulator(bodies=keep) as simulator:
            await stage.ask(simulator, raw_body=b"{}")
            plain = await stage.ask(simulator, method="GET", path="/sim/log")
            full = await stage.ask(simulator, method="GET", path="/sim/log?bodies=1")
            return ["body" in plain.json[0], full.json[0]["body"]]

    assert stage.run(bodies(True)) == [False, "{}"]
    assert stage.run(bodies(False)) == [False, None]


def test_the_table_of_faults_can_be_read(stage):
    (seen,) = stage.answers({"method": "GET", "path": "/sim/faults"})
    assert [fault["name"] for fault in seen.json] == list(FAULTS)
    assert all(fault["about"] for fault in seen.json)


def test_an_unknown_control_path_names_those_there_are(stage):
    wrong, bad = stage.answers(
        {"method": "GET", "path": "/sim/lgo"}, {"method": "GET", "path": "/sim/log?since=yesterday"}
    )
    assert wrong.status == 404
    assert "GET /sim/log" in wrong.json["known"]
    assert bad.status == 400
