"""Whether a model would answer without a load, for whoever asks first: `/readyz/MODEL`, `/readyz?model=`."""

import time
from urllib.parse import parse_qs, unquote_to_bytes

from earthward.gateway.serving import Serving, ServingTarget
from earthward.http.request import Request
from earthward.routing.balance.standing import full_name
from earthward.routing.tiers import allocated, least, most

PATH = b"/readyz/"


def asked_model(request: Request) -> str | None:
    """The model that is asked about; None where it is the gateway itself."""
    if request.path.startswith(PATH) and request.path != PATH:
        return unquote_to_bytes(request.path.removeprefix(PATH)).decode("utf-8", "replace")
    named = parse_qs(request.query.decode("latin-1")).get("model")
    return named[0] if named else None


def readiness(serving: Serving, model: str) -> tuple[int, bytes]:
    """Status and text. The model is a target's name, or what its host calls it."""
    targets = [it for it in serving.targets.values() if it.name == model or it.model == full_name(model)]
    if not targets:
        return 404, b"no target has this name or this model\n"
    if any(_is_ready(target) for target in targets):
        return 200, b"ready\n"
    return 503, b"loaded nowhere\n"


def _is_ready(target: ServingTarget) -> bool:
    now = int(time.monotonic() * 1000)
    about = target.target
    context, at_most = allocated(about, least(about)), most(about)
    return any(it.has_ready(target.model, context, now, at_most) for it in target.provider.balancing.standings)
