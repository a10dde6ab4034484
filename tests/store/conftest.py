"""What the tests of the store share: entries, spool folders and child processes to kill."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from earthward.ledger.record import Opened, Record, Settled
from earthward.store import tables

CHILDREN = Path(__file__).parent / "children.py"


@pytest.fixture
def spools(tmp_path: Path) -> Path:
    """The spool folder of a state folder."""
    return tmp_path / "state" / "spool"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = tables.open(url)
    yield engine
    engine.dispose()


@pytest.fixture
def settled() -> Callable[..., Settled]:
    def make(id: str = "x-1", **fields: object) -> Settled:
        return Settled(Record(id, **{"accepted_at": 7_200_000_000_000, "status": "ok", "cost": 3, **fields}))

    return make


@pytest.fixture
def opened() -> Callable[..., Opened]:
    def make(id: str = "x-1", attempt: int = 0, target: str = "mini") -> Opened:
        at = 1_000 + attempt
        where = (target, f"http://{target}")
        return Opened(id, attempt, at, "r", "only", 0, "u", "k", "app", "team", "gpt", "openai_chat", *where, "v1")

    return make


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `children.py` with these arguments; its stdout can be read. Whatever still lives is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, str(CHILDREN), *map(str, words)], stdout=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
