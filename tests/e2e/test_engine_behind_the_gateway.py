"""Real tokens: the embedded engine as `kind: embedded`, with both of OpenAI's SDKs."""

import json
import subprocess
from pathlib import Path

import openai
import psutil
import pytest

from harness import ANSWERS_WITHIN, Gateway, until

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  here: {kind: embedded, context: 2048, slots: 2}
targets:
  smol: {provider: here, model: smollm2}
routes:
  - {name: everything, when: {model: [smollm2, gpt-4o-mini]}, use: smol}
"""
HELLO = [{"role": "user", "content": "Name three animals."}]
JS = Path(__file__).parents[1] / "js"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("engine"), CONFIG)
    until(lambda: gateway.chat("smollm2", max_tokens=1)[0] == 200, "the model to be loaded", ANSWERS_WITHIN)
    yield gateway
    gateway.stop()


def test_pythons_sdk_gets_real_tokens_whole_and_streamed(gateway):
    sdk = openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0)
    options = {"model": "gpt-4o-mini", "messages": HELLO, "temperature": 0, "seed": 1, "max_tokens": 24}
    raw = sdk.chat.completions.with_raw_response.create(**options)
    whole = raw.parse()
    assert whole.model == "gpt-4o-mini"
    assert len(whole.choices[0].message.content) > 10
    streamed = "".join(
        chunk.choices[0].delta.content or ""
        for chunk in sdk.chat.completions.create(**options, stream=True)
        if chunk.choices
    )
    assert streamed == whole.choices[0].message.content
    row = gateway.row(raw.headers["x-earthward-id"])
    assert row["output_tokens"] > 5
    assert row["usage_sources"].startswith("rr"), "counted by the engine, not estimated"


def test_javascripts_sdk_gets_real_tokens_and_may_leave_in_mid_stream(gateway):
    node = Path(__file__).parents[2] / ".venv" / "bin" / "node"
    run = subprocess.run(
        [node, "chat.mjs", gateway.v1, "smollm2"], cwd=JS, capture_output=True, text=True, timeout=250, check=False
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["whole"] == told["streamed"]
    assert told["cancelledAfter"] == 3
    cancelled = until(
        lambda: [row for row in gateway.rows(1) if row["status"] == "cancelled"], "the record of the cancelled exchange"
    )
    assert cancelled[0]["failure"] == "client_gone"


def test_a_schema_is_held_to(gateway):
    schema = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 10}}, "required": ["name"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "pet", "schema": schema}}
    _, _, answer = gateway.chat("smollm2", "Name a pet.", response_format=wanted, max_tokens=60)
    assert set(json.loads(answer["choices"][0]["message"]["content"])) == {"name"}


def test_an_engine_that_is_killed_comes_back(gateway):
    (engine,) = [
        child
        for child in psutil.Process(gateway.process.pid).children()
        if "earthward.engine" in " ".join(child.cmdline())
    ]
    engine.kill()
    until(lambda: gateway.chat("smollm2", max_tokens=1)[0] == 200, "the engine to be back", ANSWERS_WITHIN)


def test_a_model_that_is_missing_is_told_at_once(tmp_path):
    with pytest.raises(AssertionError, match=r"no-such-model\.gguf"):
        Gateway(tmp_path, CONFIG.replace("context: 2048", "model: no-such-model.gguf"))
