import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.cli import application
from earthward.cli.init import surroundings
from earthward.config.load import load
from earthward.probe.machine import Gpu, Machine
from earthward.probe.servers import Found, Server
from probe.stand import Stand, standing

Run = Callable[..., Result]


@pytest.fixture
def ollama() -> Iterator[Stand]:
    tags = {"models": [{"name": "llama3.1:8b", "size": 10**9}, {"name": "nomic-embed-text"}]}
    listed = {"data": [{"id": "llama3.1:8b"}]}
    with standing({"/api/version": {"version": "0.33.0"}, "/api/tags": tags, "/v1/models": listed}) as stand:
        yield stand


@pytest.fixture
def run(ollama: Stand, tmp_path: Path) -> Run:
    """Runs `init` in surroundings of the test's own."""

    def run(*words: str, **environ: str) -> Result:
        own = {"OLLAMA_HOST": f"127.0.0.1:{ollama.port}", "OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "", **environ}
        place = ["-o", str(tmp_path / "earthward.yaml"), "--port", str(ollama.port)]
        return CliRunner().invoke(application(("init", "check")), ["init", *place, *words], env=own)

    return run


def test_a_preset_adds_routes_by_task_and_one_that_is_not_known_is_refused(run: Run, tmp_path: Path) -> None:
    refused = run("--preset", "nonsense")
    assert refused.exit_code == 2
    assert "there is no preset 'nonsense'; known: playbook" in refused.stderr
    assert not (tmp_path / "earthward.yaml").exists()
    assert run("--preset", "playbook", OPENAI_API_KEY="sk-of-a-test").exit_code == 0
    names = [route.name for route in load(tmp_path / "earthward.yaml").routes]
    assert names[1:6] == ["code-completion", "summarisation", "chat", "complex-reasoning", "creative-writing"]


def test_what_is_found_is_written_and_told_and_passes_check(run: Run, ollama: Stand, tmp_path: Path) -> None:
    result = run(OPENAI_API_KEY="sk-secret-of-a-test")
    assert result.exit_code == 0
    assert f"ollama 0.33.0 at {ollama.url} with 2 models" in result.output
    file = tmp_path / "earthward.yaml"
    assert "sk-secret" not in file.read_text() + result.output
    found = load(file)
    assert {name: it.kind for name, it in found.providers.items()} == {"openai": "openai", "ollama": "ollama"}
    assert [it.model for it in found.targets.values()] == ["gpt-4o-mini", "gpt-4o", "llama3.1:8b"]
    assert CliRunner().invoke(application(("check", "init")), ["check", "-c", str(file)]).exit_code == 0


def test_servers_are_asked_for_their_lists_alone(run: Run, ollama: Stand) -> None:
    run()
    assert {path for _, path, _ in ollama.asked} == {"/api/version", "/api/tags", "/v1/models"}


def test_a_file_that_is_there_stays_but_by_force(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "earthward.yaml"
    file.write_text("mine")
    refused = run()
    assert (refused.exit_code, file.read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert run("--force").exit_code == 0
    assert "llama3.1:8b" in file.read_text()


def test_what_is_written_is_for_its_owner_alone(run: Run, tmp_path: Path) -> None:
    run()
    assert stat.S_IMODE((tmp_path / "earthward.yaml").stat().st_mode) == 0o600


def test_json_tells_what_was_found_and_what_was_written(run: Run, tmp_path: Path) -> None:
    told = json.loads(run("--json").output)
    assert told["configuration"] == (tmp_path / "earthward.yaml").read_text()
    assert told["machine"]["cores"] > 0
    assert [server["kind"] for server in told["servers"]] == ["ollama"]


def test_it_works_where_nothing_is(run: Run, tmp_path: Path) -> None:
    result = run("--port", "1", OLLAMA_HOST="127.0.0.1:1")
    assert result.exit_code == 0
    assert load(tmp_path / "earthward.yaml").routes


def test_the_largest_model_that_fits_comes_first() -> None:
    models = tuple(Found(f"{size}b", size * 2**30) for size in (8, 70, 20))
    here = Machine(4, 64 * 2**30, (Gpu("one", 25 * 2**30),))
    found = surroundings(here, [Server("ollama", "ollama", "http://127.0.0.1:1", models)], frozenset())
    assert [model.name for model in found.servers[0].models] == ["20b", "8b", "70b"]
    assert "one with 25 GB" in found.lines
