"""Azure OpenAI. A target's `model` is the name of its deployment there.

Resources of today have the paths of OpenAI's own API under `/openai/v1`. With an `api_version` the older ones are
used, which name the deployment.
"""

from earthward.config.snapshot import ABILITIES
from earthward.providers.kind import Api, Kind, Setting
from earthward.providers.openai import RATE_LIMITS

_V1 = "/openai/v1"
_VERSION = "?api-version={api_version}"

KIND = Kind(
    name="azure",
    dialect="openai_chat",
    zone="cloud",
    operations=(("chat", _V1 + "/chat/completions"), ("embed", _V1 + "/embeddings"), ("models", _V1 + "/models")),
    apis=(
        Api(
            "deployments",
            "openai_chat",
            (
                ("chat", "/openai/deployments/{model}/chat/completions" + _VERSION),
                ("embed", "/openai/deployments/{model}/embeddings" + _VERSION),
            ),
            setting="api_version",
        ),
        Api("responses", "openai_responses", (("chat", _V1 + "/responses"),), lacks=frozenset({"several"})),
    ),
    credential=("api-key", "{}"),
    needs_key=True,
    keys="azure",
    price_list="azure",
    abilities=ABILITIES - {"insert", "raw", "video"},
    request_headers=frozenset({b"x-client-request-id", b"x-ms-client-request-id", b"idempotency-key"}),
    answer_headers=RATE_LIMITS
    | {b"apim-request-id", b"x-request-id", b"x-ms-region", b"retry-after", b"retry-after-ms", b"x-should-retry"},
    prefixes=("/openai/v1", "/openai"),
    settings=(Setting("api_version", "text"),),
    lists_targets=False,
)
