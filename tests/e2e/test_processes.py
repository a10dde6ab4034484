"""The processes: killed, stopped, told to read their configuration again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from earthward.bench import kill
from earthward.bench.processes import control_of
from harness import Gateway, config, nobody, running, until


@pytest.mark.parametrize("kind", kill.KINDS)
def test_killing_any_process_loses_and_doubles_no_record(kind, tmp_path):
    command = [sys.executable, "-m", "earthward"]
    result = asyncio.run(kill.measure(kind, 2, workers=2, command=command, keep=tmp_path))
    assert result.answered > 20
    assert (result.lost, result.doubled, result.unseen) == (0, 0, 0)


def test_without_the_spool_records_are_lost_and_the_count_shows_it(tmp_path):
    """The negative control: a gateway whose spool writes nothing."""
    command = [sys.executable, str(Path(__file__).parent / "gateway_without_spool.py")]
    result = asyncio.run(kill.measure("worker", 1, workers=1, command=command, keep=tmp_path))
    assert result.answered > 20
    assert result.lost > 0
    assert result.unseen > 0


def test_stopping_lets_a_stream_end_and_takes_its_record_in(start, cloud):
    gateway = start(cloud)
    cloud.script(default={"tokens": 60, "rate": 100})
    answers = []
    caller = threading.Thread(target=lambda: answers.append(gateway.chat(stream=True)))
    caller.start()
    until(lambda: [e for e in cloud.seen() if e["path"].endswith("completions")], "the request upstream")
    assert gateway.stop() == 0
    caller.join()
    status, _, body = answers[0]
    assert status == 200
    assert body.rstrip().endswith(b"data: [DONE]")
    (row,) = gateway.rows(1)
    assert row["status"] == "ok"


def test_a_changed_file_is_applied_whole_or_refused_whole(start, cloud, local):
    gateway = start(cloud, workers=2)

    def status():
        return json.loads(gateway.admin_get("/api/status")[2])

    before = status()["snapshot"]
    gateway.config.write_text(config(cloud, local, share="100%").replace("candidate: llama", "candidate: lama"))
    problem = until(lambda: status()["config_problem"], "the refusal")
    assert "lama" in problem
    assert status()["snapshot"] == before
    assert gateway.chat()[1]["x-earthward-target"] == "mini"
    gateway.config.write_text(config(cloud, local, share="100%"))
    os.kill(gateway.process.pid, signal.SIGHUP)
    until(lambda: status()["snapshot"] != before and status()["workers"]["current"] == 2, "the new configuration")
    assert status()["config_problem"] == ""
    assert {gateway.chat()[1]["x-earthward-target"] for _ in range(6)} == {"llama"}


def test_listening_elsewhere_than_the_file_says_leaves_its_changes_applicable(tmp_path, cloud, local):
    with nobody() as elsewhere:
        stated = f"listen: 127.0.0.1:{elsewhere}"
        gateway = Gateway(tmp_path, config(cloud).replace("listen: 127.0.0.1:0", stated), arguments=("--port", "0"))
    with running(gateway):
        gateway.config.write_text(config(cloud, local, share="100%").replace("listen: 127.0.0.1:0", stated))
        until(lambda: gateway.chat()[1]["x-earthward-target"] == "llama", "the new configuration")


def test_open_to_anybody_is_refused_beyond_loopback_wherever_it_is_said(tmp_path, cloud):
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(AssertionError, match="loopback only"):
            Gateway(tmp_path, config(cloud), arguments=("--host", host))


def test_what_only_a_restart_can_change_is_refused(start, cloud):
    gateway = start(cloud)
    changed = config(cloud).replace("admin: 127.0.0.1:0", "admin: 127.0.0.1:1")
    gateway.config.write_text(changed)
    problem = until(lambda: json.loads(gateway.admin_get("/api/status")[2])["config_problem"], "the refusal")
    assert "admin" in problem
    assert "restart" in problem


def test_a_second_gateway_with_the_same_state_is_refused(start, cloud):
    gateway = start(cloud)
    run = subprocess.run(
        [sys.executable, "-m", "earthward", "serve", "-c", str(gateway.config)],
        capture_output=True,
        text=True,
        env={**os.environ, "UPSTREAM_KEY": "x"},
        timeout=90,
        check=False,
    )
    assert run.returncode == 2
    assert "another gateway runs" in run.stderr


def test_a_missing_secret_is_told_at_once(tmp_path, cloud):
    with pytest.raises(AssertionError, match="UPSTREAM_KEY_THAT_IS_NOT_SET"):
        Gateway(tmp_path, config(cloud).replace("UPSTREAM_KEY", "UPSTREAM_KEY_THAT_IS_NOT_SET"))


def test_a_state_folder_may_have_a_long_path(tmp_path, cloud):
    folder = tmp_path.joinpath(*["an-operator-who-likes-names-that-say-it-all"] * 4)
    folder.mkdir(parents=True)
    gateway = Gateway(folder, config(cloud, auth="keys"))
    with running(gateway):
        assert gateway.new_key("--app", "long"), "workers hear of it over a socket in that folder"


def test_it_keeps_its_processes_alive_and_ends_them_however_many_files_are_open(tmp_path, cloud):
    gateway = Gateway(tmp_path, config(cloud), program=(str(Path(__file__).parent / "gateway_with_many_files.py"),))
    with running(gateway):
        control = control_of(gateway.process.pid, urlsplit(gateway.url).port)
        control.kill()
        control.wait()
        gateway.until_store()
    assert gateway.process.returncode == 0
