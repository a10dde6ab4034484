"""The clients that the documentation shows, run as they stand, by the vendors' own SDKs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import Gateway, Simulator, running

DOCS = Path(__file__).parents[2] / "docs"
MODEL = '{"name": "llama3.1:8b", "size": 5000000000, "context": 8192}'
CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: keys
providers:
  house: {{kind: ollama, base_url: "{url}"}}
targets:
  llama: {{provider: house, model: "llama3.1:8b", context: 8192}}
routes:
  - {{name: all, use: llama}}
"""


def clients() -> list[pytest.param]:
    found = []
    for page in sorted(DOCS.rglob("*.md")):
        for block in re.finditer(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            code = block[1]
            if "import" not in code:
                code = f"import openai\n{code}"
            line = page.read_text()[: block.start()].count("\n") + 1
            found.append(pytest.param(code, id=f"{page.relative_to(DOCS)}:{line}"))
    return found


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """What the documentation has its readers export."""
    folder = tmp_path_factory.mktemp("documented")
    house = Simulator(folder, "--disk", MODEL, "--tokens", "4")
    gateway = Gateway(folder, CONFIG.format(url=house.url))
    with running(house, gateway):
        key = gateway.new_key("--may-explain")
        urls = {"OPENAI_BASE_URL": gateway.v1, "ANTHROPIC_BASE_URL": gateway.url, "OLLAMA_HOST": gateway.url}
        urls["GOOGLE_GEMINI_BASE_URL"] = gateway.url
        keys = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OLLAMA_API_KEY", "GEMINI_API_KEY"), key)
        yield {**os.environ, **urls, **keys, "NO_PROXY": "*"}


@pytest.mark.parametrize("code", clients())
def test_a_documented_client_gets_its_answer(code, env):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert run.returncode == 0, run.stderr
    if "print" in code:
        assert '"route":"all"' in run.stdout if "explain" in code else "t0 t1 t2 t3" in run.stdout
