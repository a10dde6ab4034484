"""Ollama by its own API: under `/v1` it can neither be told how long a context is, nor how its errors went.

A model that is not in memory is loaded before the first byte, and a caller that leaves meanwhile ends the loading, so
that the next one waits just as long. So the first byte may take nearly the ten minutes that OpenAI's and Anthropic's
SDKs wait by default.

A host tells nobody how many requests it answers at a time (`OLLAMA_NUM_PARALLEL`), and lets all others wait without an
end; four is more than the default and little enough to wait for.

What a model can do is its host's to say; tools are common, images are left to the targets that say so.
"""

from earthward.config.snapshot import Deadlines
from earthward.providers.kind import Kind, Setting

KIND = Kind(
    name="ollama",
    dialect="ollama",
    zone="by_host",
    base_url="http://127.0.0.1:11434",
    operations=(
        ("chat", "/api/chat"),
        ("generate", "/api/generate"),
        ("embed", "/api/embed"),
        ("models", "/api/tags"),
    ),
    abilities=frozenset({"tools", "schema", "stream", "insert", "raw"}),
    settings=(Setting("keep_alive", "keep_alive"),),
    prefixes=("/api", "/v1"),
    slots=4,
    balance="warmest",
    lacks=frozenset({"choice", "parallel", "several", "form"}),
    deadlines=Deadlines(first_byte=590.0, idle=180.0, total=1800.0),
    answer_headers=frozenset({b"retry-after"}),
)
