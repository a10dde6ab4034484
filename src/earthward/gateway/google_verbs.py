"""What is asked of a model at a path of Google's, by the verb behind its name: which verbs there are, and no others.

A name may have a colon too (`llama3.2:latest`), so what is only looked at has no verb.
"""

import re

from earthward.chat import Failure, FailureKind

_ASKED = re.compile(
    rb"/v1(?:alpha|beta|beta1)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/([^/]+)/)?(?:models|tunedModels)/"
    rb"(.+):([^/:]*)"
)
_GOOGLE_S = ("generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents", "predict")
_VERBS = {"google": _GOOGLE_S, "anthropic": ("rawPredict", "streamRawPredict")}
"""By publisher."""
_LONGEST_SHOWN = 64


def is_asked(method: bytes, path: bytes) -> bool:
    """Whether something is asked of a model here, be it known or not."""
    return method not in (b"GET", b"HEAD") and _ASKED.fullmatch(path) is not None


def unknown_verb(method: bytes, path: bytes) -> Failure | None:
    """Why nothing is at a path that asks something of a model; None at any other. Only for paths that no door is at."""
    found = _ASKED.fullmatch(path) if is_asked(method, path) else None
    if found is None:
        return None
    publisher = _shown(found[1] or b"google")
    if publisher not in _VERBS:
        known = ", ".join(_VERBS)
        return Failure(FailureKind.NO_SUCH_PATH, f"there are no models of {publisher!r} here; publishers are {known}")
    model, verb, known = _shown(found[2]), _shown(found[3]), ", ".join(_VERBS[publisher])
    return Failure(FailureKind.NO_SUCH_PATH, f"`models/{model}` has no method `{verb}`; there are {known}")


def _shown(name: bytes) -> str:
    return name[:_LONGEST_SHOWN].decode("latin-1")
