"""Ollama's native API on a simulated machine."""

from collections.abc import Collection

from earthward.http.server import Request
from earthward.simulator.steps import Headers, Problem
from earthward.simulator.vendors.ollama import answers, models, requests
from earthward.simulator.vendors.vendor import Vendor


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    """It asks nobody for a key."""
    return None


def head(answer_id: str, created: int) -> Headers:
    """It has no request ids."""
    return []


VENDOR = Vendor(
    name="ollama",
    asks=frozenset(requests.KINDS),
    speaks=lambda request: request.path.startswith(b"/api/") or request.path == b"/",
    refused=refused,
    read=requests.read,
    find=requests.find,
    fits=requests.fits,
    no_model=requests.no_model,
    no_path=models.no_path,
    about=models.about,
    head=head,
    whole=answers.whole,
    stream=answers.stream,
    event=answers.event,
    error=answers.error,
    around=answers.around,
    refusal=answers.refusal,
    visit=answers.visit,
    seated=answers.seated,
    busy=answers.BUSY,
)
