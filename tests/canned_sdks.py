"""The vendors' own SDKs, fed with bytes of ours: what their clients make of an answer, without a network."""

import warnings
from typing import Any

import anthropic
import httpx2
import openai

with warnings.catch_warnings():
    # Google's SDK imports what is deprecated in its own dependencies.
    warnings.simplefilter("ignore")
    from google import genai
    from google.genai import types

JSON = b"application/json"
EVENTS = b"text/event-stream"
Headers = list[tuple[bytes, bytes]]


class Canned(httpx2.BaseTransport):
    """Gives the same answer to every request, and keeps the requests."""

    def __init__(self, body: bytes, kind: bytes = JSON, status: int = 200, headers: Headers | None = None) -> None:
        self._answer = (status, [*(headers or []), *([] if headers else [(b"content-type", kind)])], body)
        self.requests: list[Any] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        status, headers, body = self._answer
        return httpx2.Response(status, headers=headers, content=body, request=request)


def openai_client(canned: Canned) -> openai.OpenAI:
    http = httpx2.Client(transport=canned)
    return openai.OpenAI(api_key="sk-x", base_url="http://gateway/v1", http_client=http, max_retries=0)


def anthropic_client(canned: Canned) -> anthropic.Anthropic:
    http = httpx2.Client(transport=canned)
    return anthropic.Anthropic(api_key="sk-x", base_url="http://gateway", http_client=http, max_retries=0)


def google_client(canned: Canned) -> genai.Client:
    options = types.HttpOptions(base_url="http://gateway", httpx_client=httpx2.Client(transport=canned))
    return genai.Client(api_key="x", http_options=options)
