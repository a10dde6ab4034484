"""A model that the gateway runs itself, in a llama.cpp server beside it.

Without `model`, the small one that comes in a wheel. Its chat template knows no tools, so it is told of them in words;
a larger GGUF may, and its target says so with `tools: native`.
"""

from earthward.providers.kind import Kind, Setting

KIND = Kind(
    name="embedded",
    dialect="openai_chat",
    zone="local",
    # Where it listens is only known once it runs.
    base_url="http://embedded/v1",
    operations=(
        ("chat", "/chat/completions"),
        ("count", "/chat/completions/input_tokens"),
        ("embed", "/embeddings"),
        ("models", "/models"),
    ),
    credential=None,
    is_embedded=True,
    # As many as the engine has unless told otherwise; llama.cpp would let all others wait without an end.
    slots=4,
    abilities=frozenset({"tools", "schema", "stream"}),
    lacks=frozenset({"tools", "form"}),
    settings=(
        Setting("model", "path"),
        Setting("context", "count"),
        Setting("slots", "count"),
        Setting("threads", "count"),
    ),
)
