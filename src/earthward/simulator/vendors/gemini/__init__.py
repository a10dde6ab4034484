"""Google's Gemini, as the Gemini API and Vertex AI answer: generateContent, streams, counts, embeddings, lists.

Written from Google's own shapes, not from our dialect: a mistake shared by both would cancel itself out. The faults of
streams are those of events; an array is always whole.
"""

from earthward.simulator.vendors.gemini import answers, errors, models, paths, requests
from earthward.simulator.vendors.vendor import Vendor

VENDOR = Vendor(
    name="gemini",
    asks=paths.ASKS,
    speaks=paths.speaks,
    refused=errors.refused,
    at=paths.at,
    read=requests.read,
    find=lambda offer, name: offer.find(name, "google"),
    fits=requests.fits,
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
