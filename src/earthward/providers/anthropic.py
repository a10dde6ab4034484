"""Anthropic's own API, and servers that speak the same.

The version is Anthropic's newest; a caller that names another is heard. Which betas are on is the caller's to say.
"""

from earthward.providers.kind import Kind

RATE_LIMITS = frozenset(
    b"anthropic-ratelimit-%b-%b" % (what, of)
    for what in (b"requests", b"tokens", b"input-tokens", b"output-tokens")
    for of in (b"limit", b"remaining", b"reset")
)

KIND = Kind(
    name="anthropic",
    dialect="anthropic_messages",
    zone="by_host",
    base_url="https://api.anthropic.com",
    operations=(("chat", "/v1/messages"), ("count", "/v1/messages/count_tokens"), ("models", "/v1/models")),
    credential=("x-api-key", "{}"),
    needs_key=True,
    price_list="anthropic",
    abilities=frozenset({"tools", "images", "documents", "schema", "stream"}),
    request_headers=frozenset({b"anthropic-version", b"anthropic-beta", b"idempotency-key"}),
    answer_headers=RATE_LIMITS | {b"request-id", b"retry-after", b"retry-after-ms", b"x-should-retry"},
    prefixes=("/v1",),
    lacks=frozenset({"several", "free_text"}),
    headers=((b"anthropic-version", b"2023-06-01"),),
)
