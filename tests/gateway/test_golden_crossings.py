"""Recorded requests of every dialect, and what each becomes for every kind of target: one file for each case.

`python tests/gateway/test_golden_crossings.py` writes the files anew, to be read before they are kept.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from earthward.chat import Failure
from earthward.config.snapshot import Provider, Target
from earthward.dialects.envelope import Envelope, read
from earthward.gateway.crossing import crossing
from earthward.gateway.doors import EXITS, door_at
from earthward.gateway.doors.door import Question
from earthward.gateway.serving import api_of

RECORDED = Path(__file__).parents[1] / "dialects" / "golden"
HERE = Path(__file__).parent / "golden"
DOORS = {
    "requests": b"/v1/chat/completions",
    "anthropic_requests": b"/v1/messages",
    "ollama/requests": b"/api/chat",
    "gemini_requests": b"/v1beta/models/gemini-2.5-flash:generateContent",
    "responses_requests": b"/v1/responses",
    "completions_requests": b"/v1/completions",
}
MODEL = "model-of-the-target"
IN_PROJECT = (("project", "acme"), ("location", "eu"))
TARGETS = (
    (Provider("openai", "openai", "openai_chat", "cloud", ()), MODEL, None),
    (Provider("vllm", "openai_compatible", "openai_chat", "local", ()), MODEL, None),
    (Provider("anthropic", "anthropic", "anthropic_messages", "cloud", ()), MODEL, None),
    (Provider("house", "ollama", "ollama", "local", ()), MODEL, None),
    (Provider("responses", "openai", "openai_chat", "cloud", ()), MODEL, "responses"),
    (Provider("gemini", "gemini", "gemini", "cloud", ()), "gemini-2.5-flash", None),
    (Provider("vertex", "vertex", "gemini", "cloud", (), settings=IN_PROJECT), "gemini-3-pro", None),
    (Provider("claude_on_vertex", "vertex", "gemini", "cloud", (), settings=IN_PROJECT), "claude-opus-4-5", None),
)
CASES = [
    pytest.param(folder, path, id=f"{folder}/{path.stem}")
    for folder in DOORS
    for path in sorted((RECORDED / folder).glob("*.json"))
    if "." not in path.stem
]


def crossed(folder: str, path: Path) -> dict[str, Any]:
    """What the request becomes for each provider."""
    door = door_at(DOORS[folder], b"")
    assert door is not None
    envelope = read(path.read_bytes())
    assert isinstance(envelope, Envelope)
    glance = door.glance(envelope)
    if isinstance(glance, Failure):
        return {"refused": glance.message, "param": glance.param}
    question = Question(door, envelope, glance, "1", 1_700_000_000)
    return {provider.name: written(question, provider, model, api) for provider, model, api in TARGETS}


def written(question: Question, provider: Provider, model: str, api: str | None) -> dict[str, Any]:
    target = Target("t", provider.name, model, provider.zone, context=16384, keep_alive=-1, api=api)
    dialect = api_of(target, provider).dialect
    request = crossing(question, EXITS[dialect].way(target, provider), dialect, model).request()
    if isinstance(request, Failure):
        return {"refused": request.message, "param": request.param}
    body = json.loads(request.body)
    return {"sent": body, "dropped": list(request.dropped)} if request.dropped else {"sent": body}


def kept(folder: str, path: Path) -> Path:
    return HERE / folder.replace("/", "_") / path.name


@pytest.mark.parametrize(("folder", "path"), CASES)
def test_a_request_becomes_for_each_target_what_is_written_beside_it(folder: str, path: Path) -> None:
    assert crossed(folder, path) == json.loads(kept(folder, path).read_text())


def test_every_file_that_is_kept_has_its_request() -> None:
    expected = {kept(*case.values) for case in CASES}
    assert set(HERE.rglob("*.json")) == expected


if __name__ == "__main__":
    for case in CASES:
        file = kept(*case.values)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(crossed(*case.values), indent=1, ensure_ascii=False) + "\n")
