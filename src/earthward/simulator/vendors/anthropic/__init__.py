"""Anthropic's messages, their token counts and models, as its API answers them.

Written from Anthropic's own shapes, not from our dialect: a mistake shared by both would cancel itself out.
"""

from earthward.simulator.vendors.anthropic import answers, errors, models, paths, requests
from earthward.simulator.vendors.vendor import Vendor

VENDOR = Vendor(
    name="anthropic",
    asks=paths.ASKS,
    speaks=paths.speaks,
    refused=errors.refused,
    read=requests.read,
    find=lambda offer, name: offer.find(name, "anthropic"),
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
    refusal=errors.refusal,
)
