"""The servers behind the table: a gateway, a simulated vendor of each kind, and a real model reached in three ways."""

import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

from google_cloud import service_account
from harness import Gateway, Process, Simulator, http, until
from sdks.client import Client, Sdk

MODEL = {"name": "simulated:latest", "capabilities": ["completion", "tools", "vision", "thinking"], "context": 8192}

SMALL = ("--model", "gemini-2.5-small", "--model", "gemini-3-small")
"""Models of Google's with a window that is soon full, one before Gemini 3 and one after."""
VENDORS = ("openai", "anthropic", "ollama", "azure", "gemini", "vertex")
GIVE_VECTORS = ("openai", "ollama", "azure", "gemini", "vertex")
CONTENT_KEY = "the content key of a test, long enough"


class Target(NamedTuple):
    """`name` is its route's model too. `is_real` is whether a model answers there, `context` how long its window is."""

    name: str
    about: str
    dialect: str
    context: int = 2048
    is_real: bool = False


TARGETS = (
    Target("sim-openai", "OpenAI", "openai", 128_000),
    Target("sim-anthropic", "Anthropic", "anthropic", 200_000),
    Target("sim-ollama", "Ollama", "ollama", 8192),
    Target("sim-responses", "OpenAI's responses", "responses", 128_000),
    Target("sim-azure", "Azure", "openai", 128_000),
    Target("sim-gemini", "Gemini", "gemini", 131_072),
    Target("sim-vertex", "Vertex AI", "gemini", 131_072),
    Target("sim-claude", "Claude on Vertex AI", "anthropic", 200_000),
    Target("llama-openai", "llama.cpp as OpenAI", "openai", is_real=True),
    Target("llama-anthropic", "llama.cpp as Anthropic", "anthropic", is_real=True),
    Target("llama-ollama", "llama.cpp as Ollama", "ollama", is_real=True),
)

VENDOR_OF = {
    "sim-responses": "openai",
    "sim-claude": "vertex",
    **{f"sim-{vendor}": vendor for vendor in VENDORS},
}
"""Which simulator stands behind a target."""

IN_FRONT = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  engine: {{kind: openai_compatible, base_url: "{engine}/v1"}}
targets:
  small: {{provider: engine, model: smollm2, abilities: [schema, stream]}}
routes:
  - {{name: all, when: {{model: smollm2}}, use: small}}
"""
CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: keys
content_key: env:CONTENT_KEY
providers:
  openai: {{kind: openai, base_url: "{openai}/v1", api_key: env:UPSTREAM_KEY}}
  anthropic: {{kind: anthropic, base_url: "{anthropic}", api_key: env:UPSTREAM_KEY, zone: cloud}}
  ollama: {{kind: ollama, base_url: "{ollama}"}}
  azure: {{kind: azure, base_url: "{azure}", api_key: env:UPSTREAM_KEY, api_version: "2024-10-21"}}
  gemini: {{kind: gemini, base_url: "{gemini}", api_key: env:UPSTREAM_KEY}}
  vertex: {{kind: vertex, base_url: "{vertex}", project: acme, location: eu, credentials: {account}}}
  engine_as_openai: {{kind: openai_compatible, base_url: "{engine}/v1"}}
  engine_as_anthropic: {{kind: anthropic, base_url: "{engine}", api_key: env:UPSTREAM_KEY}}
  engine_as_ollama: {{kind: ollama, base_url: "{in_front}"}}
targets:
  sim-openai: {{provider: openai, model: gpt-4o-mini}}
  sim-anthropic: {{provider: anthropic, model: claude-sonnet-4-5}}
  sim-ollama: {{provider: ollama, model: "simulated:latest", context: 8192, abilities: [tools, images, schema, stream]}}
  sim-responses: {{provider: openai, model: gpt-4o-mini, api: responses}}
  sim-azure: {{provider: azure, model: gpt-4o-mini}}
  sim-gemini: {{provider: gemini, model: gemini-2.5-small}}
  sim-vertex: {{provider: vertex, model: gemini-3-small}}
  sim-claude: {{provider: vertex, model: claude-sonnet-4-5@20250929}}
  openai-vectors: {{provider: openai, model: text-embedding-3-small}}
  ollama-vectors: {{provider: ollama, model: nomic-embed-text, context: 2048}}
  azure-vectors: {{provider: azure, model: text-embedding-3-small}}
  gemini-vectors: {{provider: gemini, model: gemini-embedding-001}}
  vertex-vectors: {{provider: vertex, model: gemini-embedding-001}}
  llama-openai: {{provider: engine_as_openai, model: smollm2, abilities: [schema, stream]}}
  llama-anthropic: {{provider: engine_as_anthropic, model: smollm2, abilities: [stream]}}
  llama-ollama: {{provider: engine_as_ollama, model: smollm2, context: 2048, abilities: [schema, stream]}}
routes:
{routes}
"""


class World:
    """Start it once and ask often. `marker` gives words that no other request has.

    An answer that nobody reads any more must be over upstream within so many seconds: by itself it lasts for 50, and a
    busy machine may take its time.
    """

    def __init__(self, folder: Path, leaves_within: float = 25.0) -> None:
        self.leaves_within = leaves_within
        self._folder = folder
        self._running: list[Process] = []
        self._clients: dict[str, Client] = {}
        self._markers = itertools.count()
        seen = ("--bodies", "--keep", "4")
        disk = ("--disk", json.dumps(MODEL), "--disk", "nomic-embed-text")
        offered = {name: disk if name == "ollama" else SMALL for name in VENDORS}
        self._simulators = {
            name: self._up(Simulator(folder, *seen, *models, name=name)) for name, models in offered.items()
        }
        self._engine: Process = self._up(
            Process(
                *("-m", "earthward.engine", "--name", "smollm2", "--context", "2048", "--slots", "2"),
                log=folder / "engine.log",
            )
        )
        engine = self._engine.up["url"]
        (folder / "front").mkdir()
        front = self._up(Gateway(folder / "front", IN_FRONT.format(engine=engine)))
        routes = [
            f"  - {{name: {name}-vectors, when: {{model: sim-{name}, needs: embeddings}}, use: {name}-vectors}}"
            for name in GIVE_VECTORS
        ]
        routes += [f"  - {{name: {name}, when: {{model: {name}}}, use: {name}}}" for name, *_ in TARGETS]
        urls = {name: simulator.url for name, simulator in self._simulators.items()}
        account = service_account(folder, urls["vertex"])
        config = CONFIG.format(engine=engine, in_front=front.url, routes="\n".join(routes), account=account, **urls)
        self.gateway: Gateway = self._up(Gateway(folder, config, env={"CONTENT_KEY": CONTENT_KEY}))
        self.key = self.gateway.new_key("--app", "sdks")

    def _up(self, process: Any) -> Any:
        self._running.append(process)
        return process

    def stop(self) -> None:
        for client in self._clients.values():
            client.stop()
        for process in reversed(self._running):
            process.stop()

    def marker(self) -> str:
        return f"marker-{next(self._markers):06}"

    def tell(self, sdk: Sdk, op: str, **task: Any) -> dict[str, Any]:
        client = self._clients.get(sdk.name)
        if client is None:
            client = self._clients[sdk.name] = Client(sdk, self._folder / f"{sdk.name}.log")
        return client.tell({"op": op, "url": self.gateway.url, "key": self.key, **task})

    def seen(self, target: Target, marker: str, count: int = 1) -> list[dict[str, Any]]:
        """The requests with this marker that reached the simulated vendor, the oldest first."""
        simulator = self._simulators[VENDOR_OF[target.name]]

        def arrived() -> list[dict[str, Any]]:
            log = json.loads(http("GET", f"{simulator.url}/sim/log?bodies=1")[2])
            return [entry for entry in log if marker in (entry["body"] or "")]

        return list(until(lambda: len(found := arrived()) >= count and found, f"{count} requests with {marker}"))

    def busy(self) -> int:
        """Answers that the real model is writing."""
        return self._figure("requests_processing")

    def written(self) -> int:
        """Tokens that the real model has written."""
        return self._figure("tokens_predicted_total")

    def _figure(self, name: str) -> int:
        figures = http("GET", f"{self._engine.up['url']}/metrics")[2].decode()
        lines = (line for line in figures.splitlines() if line.startswith(f"llamacpp:{name} "))
        return int(float(next(lines).split()[1]))
