"""`auth: passthrough`: a caller's own key goes to its vendor alone, and opens the house while that takes it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from callers import Answer, ask, error_of
from earthward.engine.ports import free_port
from harness import KEY, Gateway, until
from vendors import MODELS, provider, simulator

KEYS = {"openai": "sk-callers-own-openai-key", "anthropic": "sk-ant-callers-own-key"}
OTHER = {"openai": "anthropic", "anthropic": "openai"}
SHOWN = {
    "bearer": lambda key: {"authorization": f"Bearer {key}"},
    "x-api-key": lambda key: {"x-api-key": key, "anthropic-version": "2023-06-01"},
}
ACCEPTED_FOR = 1.0


class Stage:
    """Two vendors whose keys callers bring, a provider with a key of ours, and a model in the house."""

    def __init__(self, folder: Path, stack: ExitStack, accepted_for: float) -> None:
        self._folder = folder
        # Ports at which they may come back.
        openai, anthropic = str(free_port()), str(free_port())
        self.all = {
            "openai": simulator(folder, "openai", "--key", KEYS["openai"], "--port", openai),
            "anthropic": simulator(folder, "anthropic", "--key", KEYS["anthropic"], "--port", anthropic),
            "elsewhere": simulator(folder, "elsewhere", "--key", KEY),
            "house": simulator(folder, "house"),
        }
        for name in self.all:
            stack.callback(lambda name=name: self.all[name].stop())
        self.gateway = Gateway(folder, self._config(accepted_for))
        stack.callback(self.gateway.stop)

    def _config(self, accepted_for: float) -> str:
        urls = {name: each.url for name, each in self.all.items()}
        compatible = provider("openai", urls["elsewhere"], "local").replace("kind:", "zone: cloud, kind:")
        return f"""\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: passthrough
accepted_for: {accepted_for:g}s
providers:
  openai: {provider("openai", urls["openai"], "cloud", key="")}
  anthropic: {provider("anthropic", urls["anthropic"], "cloud", key="")}
  elsewhere: {compatible.replace("}", ", api_key: env:UPSTREAM_KEY}")}
  house: {provider("ollama", urls["house"], "local")}
targets:
  openai: {{provider: openai, model: {MODELS["openai"]}}}
  anthropic: {{provider: anthropic, model: {MODELS["anthropic"]}}}
  elsewhere: {{provider: elsewhere, model: llama}}
  ours: {{provider: house, model: llama}}
  broken: {{provider: house, model: "llama+sim:fault=500"}}
routes:
  - {{name: openai, when: {{model: openai}}, use: openai}}
  - {{name: anthropic, when: {{model: anthropic}}, use: anthropic}}
  - {{name: elsewhere, when: {{model: elsewhere}}, use: elsewhere}}
  - {{name: ours, when: {{model: ours}}, use: ours}}
  - {{name: ours-first, when: {{model: ours-first}}, use: ours, fallback: [elsewhere]}}
  - {{name: rescued, when: {{model: rescued}}, use: broken, fallback: [openai, anthropic, elsewhere]}}
"""

    def ask(self, caller: str, model: str, key: str | None = None, shown: str = "bearer", **more: bool) -> Answer:
        headers = SHOWN[shown](key or KEYS[caller])
        return ask(self.gateway.url, caller, model, "Hello.", stream=more.get("stream", False), headers=headers)

    def holds_key(self, name: str, key: str) -> bool:
        """Whether this server was ever sent the key: its log shows credentials as a hash, all else as it came."""
        seen = json.dumps(self.all[name].seen())
        return key in seen or sha256(key.encode()).hexdigest()[:12] in seen

    def answers(self, name: str) -> int:
        return len(self.all[name].asked())

    def revoke_all(self, vendor: str) -> None:
        """The vendor comes back and knows other keys only."""
        port = self.all[vendor].port
        self.all[vendor].stop()
        self.all[vendor] = simulator(self._folder, f"{vendor}-again", "--port", str(port), "--key", "sk-another")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(tmp_path_factory.mktemp("passthrough"), stack, 300)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("caller", KEYS)
def test_a_callers_key_goes_to_its_vendor_and_nowhere_else(stage: Stage, caller: str, shown: str, stream: bool) -> None:
    for model in (caller, "ours", "elsewhere", "rescued"):
        assert stage.ask(caller, model, shown=shown, stream=stream).status == 200, model
    assert stage.holds_key(caller, KEYS[caller])
    for other in (OTHER[caller], "elsewhere", "house"):
        assert not stage.holds_key(other, KEYS[caller]), other
    assert stage.holds_key("elsewhere", KEY)
    assert not any(stage.holds_key(name, KEY) for name in stage.all if name != "elsewhere")


@pytest.mark.parametrize("caller", KEYS)
def test_another_vendors_target_is_not_even_asked(stage: Stage, caller: str) -> None:
    other = OTHER[caller]
    before = stage.answers(other)
    answer = stage.ask(caller, other)
    assert answer.status == 503
    assert "those of another vendor" in error_of(caller, answer)["message"]
    assert stage.answers(other) == before


@pytest.mark.parametrize("model", ["vendor", "ours", "elsewhere", "rescued"])
@pytest.mark.parametrize("caller", KEYS)
def test_a_key_that_its_vendor_refuses_opens_nothing(stage: Stage, caller: str, model: str) -> None:
    before = stage.answers("house"), stage.answers("elsewhere")
    answer = stage.ask(caller, caller if model == "vendor" else model, key="sk-made-up")
    assert answer.status == 401
    error = error_of(caller, answer)
    assert error["type"] == {"openai": "invalid_request_error", "anthropic": "authentication_error"}[caller]
    assert "sk-made-up" not in answer.body.decode()
    assert (stage.answers("house"), stage.answers("elsewhere")) == before


@pytest.mark.parametrize("caller", KEYS)
def test_one_vendors_key_is_not_taken_for_the_others(stage: Stage, caller: str) -> None:
    """A key that is good at the one is asked about at the other, whose dialect the caller speaks."""
    before = stage.answers("house")
    assert stage.ask(caller, "ours", key=KEYS[OTHER[caller]] + "-twin").status == 401
    assert stage.answers("house") == before


def test_callers_without_a_vendor_are_told_in_their_dialect(stage: Stage) -> None:
    answer = ask(stage.gateway.url, "ollama", "ours", "Hello.", stream=False, headers=SHOWN["bearer"](KEYS["openai"]))
    assert answer.status == 401
    assert "Ollama's API has none" in error_of("ollama", answer)["message"]


def test_no_key_is_on_record(stage: Stage) -> None:
    until(lambda: stage.gateway.database.exists(), "the ledger")
    for path in (stage.gateway.database, stage.gateway.log, *stage.gateway.state.rglob("*")):
        if path.is_file():
            held = path.read_bytes()
            assert not [key for key in KEYS.values() if key.encode() in held], path


@pytest.mark.parametrize("caller", KEYS)
def test_a_key_is_asked_about_once_and_again_when_its_time_is_up(tmp_path: Path, caller: str) -> None:
    with ExitStack() as stack:
        stage = Stage(tmp_path, stack, ACCEPTED_FOR)
        assert stage.ask(caller, "ours").status == 200
        asked = [entry for entry in stage.all[caller].seen() if entry["path"].endswith("/models")]
        assert len(asked) == 1
        stage.revoke_all(caller)
        refused = until(
            lambda: (answer := stage.ask(caller, "ours")).status != 200 and answer, "the revocation to be noticed"
        )
        assert refused.status == 401
        before = stage.answers("house")
        assert [stage.ask(caller, "ours").status for _ in range(3)] == [401] * 3
        assert stage.answers("house") == before


def test_a_vendor_that_cannot_be_asked_vouches_for_nobody(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stage = Stage(tmp_path, stack, 300)
        stage.all["openai"].stop()
        assert stage.ask("openai", "ours").status == 503
        assert stage.answers("house") == 0


def test_a_vendor_that_cannot_be_asked_is_not_held_against_the_house(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stage = Stage(tmp_path, stack, 300)
        stage.all["openai"].stop()
        assert [stage.ask("openai", "ours-first").status for _ in range(8)] == [503] * 8
        assert stage.ask("anthropic", "ours-first").status == 200
        assert (stage.answers("house"), stage.answers("elsewhere")) == (1, 0)
        [refused, *_, served] = [json.loads(row["attempts"]) for row in stage.gateway.rows(9)]
        assert [(target, endpoint, kind) for target, endpoint, *_, kind, _, _, _, _ in refused] == [
            ("ours", "", "overloaded"),
            ("elsewhere", "", "overloaded"),
        ]
        assert [target for target, *_ in served] == ["ours"]
