"""Google's Gemini API, with a key from AI Studio.

The model and whether to stream stand in the URL. A stream is always asked for as events: the form of one JSON array,
which callers may want, is made here.
"""

from earthward.providers.kind import Kind

ABILITIES = frozenset({"tools", "images", "documents", "audio", "video", "schema", "stream"})

KIND = Kind(
    name="gemini",
    dialect="gemini",
    zone="cloud",
    base_url="https://generativelanguage.googleapis.com",
    operations=(
        ("chat", "/v1beta/models/{model}:generateContent"),
        ("stream", "/v1beta/models/{model}:streamGenerateContent?alt=sse"),
        ("count", "/v1beta/models/{model}:countTokens"),
        ("embed", "/v1beta/models/{model}:batchEmbedContents"),
        ("models", "/v1beta/models?pageSize=1000"),
    ),
    credential=("x-goog-api-key", "{}"),
    needs_key=True,
    price_list="google",
    abilities=ABILITIES,
    lacks=frozenset({"parallel", "free_text"}),
    account_headers=frozenset({b"x-goog-user-project"}),
    answer_headers=frozenset({b"retry-after"}),
    prefixes=("/v1beta", "/v1"),
)
