"""OpenAI's own API.

A caller can't choose the organisation or project that is billed for the gateway's key: `headers` in the configuration
can. The SDKs' `x-stainless-*` headers describe the caller's machine and stay here.
"""

from earthward.config.snapshot import ABILITIES
from earthward.providers.kind import Api, Kind

RATE_LIMITS = frozenset(
    b"x-ratelimit-%b-%b" % (what, of)
    for what in (b"limit", b"remaining", b"reset")
    for of in (b"requests", b"tokens", b"project-requests", b"project-tokens")
)

RESPONSES = Api(
    "responses",
    "openai_responses",
    (("chat", "/responses"), ("count", "/responses/input_tokens")),
    lacks=frozenset({"several"}),
)

KIND = Kind(
    name="openai",
    dialect="openai_chat",
    zone="cloud",
    base_url="https://api.openai.com/v1",
    operations=(
        ("chat", "/chat/completions"),
        ("count", "/responses/input_tokens"),
        ("embed", "/embeddings"),
        ("models", "/models"),
    ),
    apis=(RESPONSES,),
    needs_key=True,
    price_list="openai",
    abilities=ABILITIES - {"insert", "raw", "video"},
    request_headers=frozenset({b"openai-beta", b"x-client-request-id", b"idempotency-key"}),
    account_headers=frozenset({b"openai-organization", b"openai-project"}),
    answer_headers=RATE_LIMITS
    | {
        b"x-request-id",
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
        b"openai-processing-ms",
        b"openai-version",
    },
)
