"""Anything that speaks OpenAI's chat API: vLLM, llama.cpp, SGLang, LM Studio, and many hosted services.

What the model behind it can do is not known from here; images, audio and the like are left to the targets that say so.
`profile` names the engine, where it is one whose ways are known.
"""

import msgspec

from earthward.providers.kind import Kind, Setting
from earthward.providers.openai import RATE_LIMITS, RESPONSES

KIND = Kind(
    name="openai_compatible",
    dialect="openai_chat",
    zone="by_host",
    # llama.cpp counts; whoever does not says so, and the count is an estimate.
    operations=(
        ("chat", "/chat/completions"),
        ("count", "/chat/completions/input_tokens"),
        ("embed", "/embeddings"),
        ("models", "/models"),
    ),
    apis=(msgspec.structs.replace(RESPONSES, lacks=frozenset({"form", "several", "free_text"})),),
    abilities=frozenset({"tools", "schema", "stream"}),
    settings=(Setting("profile", "text", choices=("llama_cpp", "lm_studio", "sglang", "vllm")),),
    request_headers=frozenset({b"x-client-request-id", b"idempotency-key"}),
    lacks=frozenset({"form", "free_text"}),
    answer_headers=RATE_LIMITS | {b"x-request-id", b"retry-after", b"retry-after-ms", b"x-should-retry"},
)
