import os
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import psutil
import pytest

from earthward.engine import EngineFailed, EngineProcess, default_model

START = """
import time
from earthward.engine import EngineProcess
engine = EngineProcess.start(context=256, slots=1)
print(engine.pid, flush=True)
{then}
time.sleep(600)
"""


def test_ready_means_that_it_answers_and_stopped_means_gone(tmp_path: Path) -> None:
    process = EngineProcess.start(context=256, slots=1, log=tmp_path / "engine.log")
    ready = process.wait_ready(250)
    assert ready.pid == process.pid
    assert ready.model == default_model().stem
    with urllib.request.urlopen(f"{ready.url}/health", timeout=90) as answer:
        assert answer.status == 200
    assert "model loaded" in (tmp_path / "engine.log").read_text()
    process.stop()
    assert not process.is_alive
    assert not psutil.pid_exists(ready.pid)


def test_it_can_be_stopped_before_it_is_ready_and_twice() -> None:
    process = EngineProcess.start(context=256, slots=1)
    with pytest.raises(TimeoutError, match="not ready within 0 s"):
        process.wait_ready(0)
    process.stop()
    process.stop()
    assert not process.is_alive


def test_it_comes_back_on_the_port_it_had() -> None:
    with EngineProcess.start(context=256, slots=1) as first:
        url = first.wait_ready(250).url
        with urllib.request.urlopen(f"{url}/health", timeout=90):
            os.kill(first.pid, 9)
    port = int(url.rpartition(":")[2])
    with EngineProcess.start(context=256, slots=1, port=port) as second:
        assert second.wait_ready(250).url == url


def test_the_end_of_the_thread_that_started_it_is_not_the_end_of_it() -> None:
    process = []

    def start() -> None:
        process.append(EngineProcess.start(context=256, slots=1))
        process[0].wait_ready(250)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with process[0], pytest.raises(psutil.TimeoutExpired):
        psutil.Process(process[0].pid).wait(0.3)


@pytest.mark.parametrize("then", ["engine.wait_ready(250)", ""], ids=["ready", "loading"])
def test_kill_9_of_its_owner_ends_it(then: str) -> None:
    with subprocess.Popen([sys.executable, "-c", START.format(then=then)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        engine = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
        engine.wait(90)
    assert not engine.is_running()


def failure(process: EngineProcess) -> tuple[str, int]:
    with process, pytest.raises(EngineFailed) as failed:
        process.wait_ready(250)
    message = str(failed.value)
    assert "\n" not in message
    return message, failed.value.status


def test_a_missing_model_ends_it_with_a_line_that_names_the_path_and_the_cure(tmp_path: Path) -> None:
    message, status = failure(EngineProcess.start(tmp_path / "none.gguf"))
    assert str(tmp_path / "none.gguf") in message
    assert "earthward[engine]" in message
    assert status == 2


def test_a_file_that_is_no_gguf_is_wrong_use(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"hello")
    message, status = failure(EngineProcess.start(path))
    assert f"not a GGUF: {path}" in message
    assert status == 2


@pytest.mark.parametrize("log", [None, "engine.log"])
def test_a_model_cut_short_is_reported_with_llama_cpps_own_reason(tmp_path: Path, log: str | None) -> None:
    path = tmp_path / "cut.gguf"
    with default_model().open("rb") as whole:
        path.write_bytes(whole.read(100_000))
    message, status = failure(EngineProcess.start(path, log=tmp_path / log if log else None))
    assert message.endswith("failed to read key-value pairs")
    assert status == 1


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message, status = failure(EngineProcess.start(port=port))
    assert f"127.0.0.1:{port}" in message
    assert status == 1


def test_without_llama_cpp_the_message_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('not here')")
    ended = subprocess.run(
        [sys.executable, "-m", "earthward.engine"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.returncode == 1
    assert "earthward[engine]" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not ended.stdout
