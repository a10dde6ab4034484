import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from earthward.config.boot import Boot, Engine
from earthward.config.load import read
from earthward.config.snapshot import Tls

TEXT = """\
listen: "[::1]:5000"
admin: 0.0.0.0:5001
store: sqlite:////var/x.db
state: run
auth: keys
tls: {certificate: cert.pem, key: key.pem, client_ca: ca.pem}
admin_token: env:TOKEN
providers:
  tiny: {kind: embedded}
  large: {kind: embedded, model: large.gguf, context: 8192, slots: 2, threads: 3}
  gpus: {kind: openai_compatible, base_url: http://gpu/v1}
targets: {t: {provider: tiny, model: m}}
routes: [{name: r, use: t}]
"""


@pytest.fixture
def boot(tmp_path: Path) -> Boot:
    for name in ("cert.pem", "key.pem", "ca.pem", "large.gguf"):
        (tmp_path / name).write_text("")
    return read(TEXT.encode(), tmp_path / "f.yaml").boot()


def test_what_the_supervisor_needs_is_in_it(boot: Boot, tmp_path: Path) -> None:
    assert (boot.host, boot.port, boot.admin_host, boot.admin_port) == ("::1", 5000, "0.0.0.0", 5001)
    assert (boot.state, boot.store, boot.auth) == (str(tmp_path / "run"), "sqlite:////var/x.db", "keys")
    assert boot.tls == Tls(str(tmp_path / "ca.pem"), str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert boot.admin_token == "env:TOKEN"
    assert len(boot.digest) == 64


def test_every_embedded_provider_is_an_engine_and_no_other(boot: Boot, tmp_path: Path) -> None:
    assert boot.engines == (Engine("tiny"), Engine("large", str(tmp_path / "large.gguf"), 8192, 2, 3))


def test_it_reads_back_as_what_was_written(boot: Boot) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(boot), type=Boot) == boot


SERVE = ("gateway.worker", "cli.serve")


@pytest.mark.parametrize("module", SERVE)
def test_what_only_some_need_is_not_imported_before_the_first_answer(module: str) -> None:
    heavy = "{'jsonschema', 'referencing', 'attr', 'fastapi', 'uvicorn', 'httpx', 'cryptography', 'google', 'rich'}"
    assert imported(module, heavy) == []


@pytest.mark.parametrize(
    "module",
    [
        *SERVE,
        *("config.snapshot", "config.boot", "config.secrets", "providers"),
        *("routing.match", "routing.plan", "cost.exchange"),
    ],
)
def test_starting_again_reads_neither_yaml_nor_models(module: str) -> None:
    heavy = "{'pydantic', 'yaml', 'genai_prices', 'sqlalchemy'}"
    assert imported(module, heavy) == []


def imported(module: str, heavy: str) -> list[str]:
    code = f"import sys, earthward.{module}; print(*{heavy} & set(sys.modules))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
