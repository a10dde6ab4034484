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
    command: tuple[Path, ...]


def _python(program: str, interpreter: Path = NEWEST) -> tuple[Path, ...]:
    return interpreter, TESTS / "sdks" / program


SDKS = (
    Sdk("openai", "openai", "`openai` for Python", _python("openai_client.py")),
    Sdk("openai-2025", "openai", "`openai` 1.109 for Python", _python("openai_client.py", OLDER)),
    Sdk("openai-js", "openai", "`openai` for JavaScript", (NODE, TESTS / "js" / "openai.mjs")),
    Sdk("anthropic", "anthropic", "`anthropic` for Python", _python("anthropic_client.py")),
    Sdk("anthropic-2025", "anthropic", "`anthropic` 0.49 for Python", _python("anthropic_client.py", OLDER)),
    Sdk("anthropic-js", "anthropic", "`@anthropic-ai/sdk` for JavaScript", (NODE, TESTS / "js" / "anthropic.mjs")),
    Sdk("ollama", "ollama", "`ollama` for Python", _python("ollama_client.py")),
)


class Client:
    """One SDK at work. `tell` does one task and returns what came of it."""

    def __init__(self, sdk: Sdk, log: Path) -> None:
        program = sdk.command[0]
        assert program.exists(), f"{program} is missing: `make test` sets it up"
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                sdk.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=sdk.command[-1].parent
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
        self._process.communicate(timeout=20)
