"""Google's Vertex AI: Gemini, and Claude where the model is one of Anthropic's.

Without an `api_key` it is asked as the identity that Google's own libraries find: a service account's file, a workload
identity, or what a machine in Google's cloud is. With one it is express mode, which knows no project.
"""

from earthward.providers.gemini import ABILITIES
from earthward.providers.kind import Api, Kind, Setting, Settings

_IN_PROJECT = "/v1/projects/{project}/locations/{location}/publishers"
GLOBAL = "global"
MULTI_REGIONS = ("us", "eu")
_PREDICTING = ("gemini-embedding-001", "gemini-embedding-exp")


def home(settings: Settings) -> str:
    """Each location has a host of its own."""
    location = settings.get("location", GLOBAL)
    if location == GLOBAL:
        return "https://aiplatform.googleapis.com"
    if location in MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def embeds_contents(model: str) -> bool:
    """Whether it gives vectors for contents, as Gemini 2's embeddings and other vendors' models do, and not for
    `predict`, which knows those before it alone."""
    return "maas" in model or ("gemini" in model and not model.startswith(_PREDICTING))


def takes_several(model: str) -> bool:
    """Other vendors' models take one content at a time."""
    return "maas" not in model


KIND = Kind(
    name="vertex",
    dialect="gemini",
    zone="cloud",
    base_url="https://aiplatform.googleapis.com",
    home=home,
    operations=(
        ("chat", "/v1/publishers/google/models/{model}:generateContent"),
        ("stream", "/v1/publishers/google/models/{model}:streamGenerateContent?alt=sse"),
        ("count", "/v1/publishers/google/models/{model}:countTokens"),
        ("embed", "/v1/publishers/google/models/{model}:predict"),
        ("embed_one", "/v1/publishers/google/models/{model}:embedContent"),
        ("embed_several", "/v1/publishers/google/models/{model}:batchEmbedContents"),
        ("models", "/v1beta1/publishers/google/models"),
    ),
    apis=(
        Api(
            "claude",
            "anthropic_messages",
            (
                ("chat", _IN_PROJECT + "/anthropic/models/{model}:rawPredict"),
                ("stream", _IN_PROJECT + "/anthropic/models/{model}:streamRawPredict"),
                ("count", _IN_PROJECT + "/anthropic/models/count-tokens:rawPredict"),
            ),
            models=("claude-*",),
            lacks=frozenset({"several", "free_text"}),
        ),
        Api(
            "gemini",
            "gemini",
            (
                ("chat", _IN_PROJECT + "/google/models/{model}:generateContent"),
                ("stream", _IN_PROJECT + "/google/models/{model}:streamGenerateContent?alt=sse"),
                ("count", _IN_PROJECT + "/google/models/{model}:countTokens"),
                ("embed", _IN_PROJECT + "/google/models/{model}:predict"),
                ("embed_one", _IN_PROJECT + "/google/models/{model}:embedContent"),
                ("embed_several", _IN_PROJECT + "/google/models/{model}:batchEmbedContents"),
            ),
            setting="project",
        ),
    ),
    credential=("x-goog-api-key", "{}"),
    keys="vertex",
    identity="google",
    price_list="google",
    abilities=ABILITIES,
    lacks=frozenset({"parallel", "free_text"}),
    request_headers=frozenset({b"anthropic-beta"}),
    answer_headers=frozenset({b"retry-after", b"request-id"}),
    prefixes=("/v1", "/v1beta1"),
    settings=(
        Setting("project", "text"),
        Setting("location", "text", default=GLOBAL),
        Setting("credentials", "path"),
    ),
    lists_targets=False,
)
