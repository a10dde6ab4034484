"""The simulator as a process of its own, as the demo and benchmarks start it."""

import json
import signal
import subprocess
import sys
import urllib.request
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from earthward.simulator.__main__ import main
from earthward.simulator.machine_options import size


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
        assert process.wait(90) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_its_machine_is_described_by_options_over_a_file(tmp_path: Path):
    machine = tmp_path / "machine.json"
    machine.write_text('{"memory": 1000, "version": "0.20.6", "models": [{"name": "mine:1b", "context": 2048}]}')
    options = ("--machine", str(machine), "--memory", "8GiB", "--ollama-version", "0.30.1")
    with simulator(*options) as (_, url):
        with urllib.request.urlopen(f"{url}/api/version") as answer:
            assert json.loads(answer.read()) == {"version": "0.30.1"}
        body = json.dumps({"model": "mine:1b"}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{url}/api/generate", body)) as answer:
            assert json.loads(answer.read())["done_reason"] == "load"
        with urllib.request.urlopen(f"{url}/api/ps") as answer:
            (loaded,) = json.loads(answer.read())["models"]
    assert loaded["context_length"] == 2048
    assert loaded["size_vram"] == loaded["size"] > 1000


@pytest.mark.parametrize(("written", "read"), [("300", 300), ("24GiB", 24 * 2**30), ("2.5 gb", 2_500_000_000)])
def test_bytes_are_read_with_their_unit(written, read):
    assert size(written) == read


@pytest.mark.parametrize("written", ["", "lots", "24X", "-1", "1.2.3"])
def test_what_is_no_number_of_bytes_is_refused(written):
    with pytest.raises(ArgumentTypeError, match="such as 24GiB"):
        size(written)


@pytest.mark.parametrize("written", ['{"memry": 1}', "[]", "{", '{"slots": "many"}'])
def test_a_machine_nobody_understands_ends_it_with_the_reason(written, tmp_path: Path, capsys):
    machine = tmp_path / "machine.json"
    machine.write_text(written)
    assert main(["--machine", str(machine)]) == 2
    assert capsys.readouterr().err.startswith("simulator: the machine: ")


@pytest.mark.parametrize(
    "words",
    [
        ["--faults", "explode:0.5"],
        ["--faults", "500"],
        ["--script", "/nonexistent"],
        ["--machine", "/nonexistent"],
        ["--disk", "llama9"],
        ["--disk", '{"nam": "x"}'],
    ],
)
def test_what_it_does_not_understand_ends_it_with_the_reason(words, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("simulator: ")


def test_its_help_names_every_fault(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "reset_mid_body" in capsys.readouterr().out
