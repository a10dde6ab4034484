"""OpenAI's chat completions and models, as its API answers them.

Written from OpenAI's own shapes, not from our dialect: a mistake shared by both would cancel itself out.
"""

from earthward.simulator.vendors.openai import answers, errors, models, requests
from earthward.simulator.vendors.vendor import Vendor

VENDOR = Vendor(
    name="openai",
    asks=frozenset({b"/v1/chat/completions"}),
    speaks=lambda request: request.path.startswith(b"/v1/"),
    refused=errors.refused,
    read=requests.read,
    find=lambda offer, name: offer.find(name, "openai"),
    fits=errors.fits,
    no_model=errors.no_model,
    no_path=errors.no_path,
    about=models.about,
    head=answers.head,
    whole=answers.whole,
    stream=answers.stream,
    event=answers.event,
    error=errors.error,
    around=answers.around,
)
