"""Anything that speaks OpenAI's chat API: vLLM, llama.cpp, SGLang, LM Studio, and many hosted services.

What the model behind it can do is not known from here; images, audio and the like are left to the targets that say so.
`engine` says which server it is, where that makes a difference.
"""

from earthward.providers.kind import Kind, Setting
from earthward.providers.openai import RATE_LIMITS

KIND = Kind(
    name="openai_compatible",
    dialect="openai_chat",
    zone="by_host",
    abilities=frozenset({"tools", "schema", "stream"}),
    request_headers=frozenset({b"x-client-request-id", b"idempotency-key"}),
    settings=(Setting("engine", "engine"),),
    lacks=frozenset({"form"}),
    answer_headers=RATE_LIMITS | {b"x-request-id", b"retry-after", b"retry-after-ms", b"x-should-retry"},
)
