"""Ollama by its own API: under `/v1` it can neither be told how long a context is, nor how its errors went.

What a model can do is its host's to say; tools are common, images are left to the targets that say so.
"""

from earthward.providers.kind import Kind

KIND = Kind(
    name="ollama",
    dialect="ollama",
    zone="by_host",
    base_url="http://127.0.0.1:11434",
    operations=(("chat", "/api/chat"), ("generate", "/api/generate"), ("models", "/api/tags")),
    abilities=frozenset({"tools", "schema", "stream", "insert", "raw"}),
    answer_headers=frozenset({b"retry-after"}),
)
