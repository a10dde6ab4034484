"""The simulator as a process of its own, as the demo and benchmarks start it."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from earthward.simulator.__main__ import main


@contextmanager
def simulator(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "earthward.simulator", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


def said(url: str) -> str:
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/chat/completions", body)) as answer:
        content: Any = json.loads(answer.read())["choices"][0]["message"]["content"]
        return str(content)


def test_it_tells_its_port_answers_as_told_and_ends_on_sigterm(tmp_path: Path):
    script = tmp_path / "script.json"
    script.write_text('{"default": {"tokens": 9, "text": "words"}}')
    with simulator("--script", str(script), "--text", "numbered", "--tokens", "3", "--latency", "0.01") as (
        process,
        url,
    ):
        assert said(url) == "t0 t1 t2"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize("words", [["--faults", "explode:0.5"], ["--faults", "500"], ["--script", "/nonexistent"]])
def test_what_it_does_not_understand_ends_it_with_the_reason(words, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("simulator: ")


def test_its_help_names_every_fault(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "reset_mid_body" in capsys.readouterr().out
