"""The client programs as processes: one for each SDK and generation, which takes task after task."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).parents[1]
ENVIRONMENT = TESTS.parent / ".venv"
NEWEST = ENVIRONMENT / "bin" / "python"
OLDER = ENVIRONMENT / "older" / "bin" / "python"
NODE = ENVIRONMENT / "bin" / "node"


class Sdk(NamedTuple):
    """`dialect` is the one it speaks; `package` and `year` tell people which it is."""

    name: str
    dialect: str
    package: str
    command: tuple[Path | str, ...]


def _older(program: str) -> tuple[Path | str, ...]:
    return _python(program, interpreter=OLDER)


def _python(program: str, *arguments: str, interpreter: Path = NEWEST) -> tuple[Path | str, ...]:
    return interpreter, TESTS / "sdks" / program, *arguments


SDKS = (
    Sdk("openai", "openai", "`openai` for Python", _python("openai_client.py")),
    Sdk("openai-2025", "openai", "`openai` 1.109 for Python", _older("openai_client.py")),
    Sdk("openai-js", "openai", "`openai` for JavaScript", (NODE, TESTS / "js" / "openai.mjs")),
    Sdk("anthropic", "anthropic", "`anthropic` for Python", _python("anthropic_client.py")),
    Sdk("anthropic-2025", "anthropic", "`anthropic` 0.49 for Python", _older("anthropic_client.py")),
    Sdk("anthropic-js", "anthropic", "`@anthropic-ai/sdk` for JavaScript", (NODE, TESTS / "js" / "anthropic.mjs")),
    Sdk("ollama", "ollama", "`ollama` for Python", _python("ollama_client.py")),
    Sdk("ollama-js", "ollama", "`ollama` for JavaScript", (NODE, TESTS / "js" / "ollama.mjs")),
    Sdk("responses", "responses", "`openai` by its responses,", _python("responses_client.py")),
    Sdk("azure", "openai", "`openai` for Azure,", _python("openai_client.py", "azure")),
    Sdk(
        "anthropic-vertex",
        "anthropic",
        "`anthropic` for Vertex AI,",
        _python("anthropic_client.py", "vertex"),
    ),
    Sdk("google", "google", "`google-genai` for Python", _python("google_client.py")),
    Sdk("google-vertex", "google", "`google-genai` for Vertex AI,", _python("google_client.py", "vertex")),
    Sdk("google-2025", "google", "`google-genai` 1.20 for Python", _older("google_client.py")),
    Sdk("google-js", "google", "`@google/genai` for JavaScript", (NODE, TESTS / "js" / "google.mjs")),
)


class Client:
    """One SDK at work. `tell` does one task and returns what came of it."""

    def __init__(self, sdk: Sdk, log: Path) -> None:
        program = Path(sdk.command[0])
        assert program.exists(), f"{program} is missing: `make test` sets it up"
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                sdk.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=TESTS
            )
        self._log = log

    def tell(self, task: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the client ended:\n{self._log.read_text()}"
        return dict(json.loads(line))

    def stop(self) -> None:
        """It ends when its input does."""
        self._process.communicate(timeout=90)
