"""The demo's two applications: one asks by OpenAI's own Python SDK, the other by Anthropic's, both streamed.

They know a gateway only by its base URL and key, as any application does. The SDKs' own retries are off, so that
whatever is rescued is rescued by the gateway.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

MOST_TOKENS = 24
TIMEOUT = 60.0
ENDED_EARLY = "the stream ended early"

SYSTEM = "You are a helpful assistant. Answer in one short sentence."
QUESTIONS = (
    "Why is the sky blue?",
    "What does a load balancer do?",
    "How do I boil an egg?",
    "What is a good name for a cat?",
    "Why do leaves fall in autumn?",
    "What is an invoice?",
    "How far away is the moon?",
    "What is the capital of France?",
    "How does a bicycle stay up?",
    "What should I cook tonight?",
)
AND_THEN = ("Tell me more.", "Why is that?", "Give me an example.", "Say it in other words.")


class Answer(msgspec.Struct, frozen=True):
    """What the application saw of one request; `lost` says why it got no whole answer."""

    arm: str = ""
    target: str = ""
    lost: str = ""


class Conversation:
    """A few turns. All that is sent of it is its own history, so that any target can go on with it."""

    def __init__(self, number: int) -> None:
        self._answers = 0
        self.turns = [("user", f"Ticket {number}. {QUESTIONS[number % len(QUESTIONS)]}")]

    def answered(self, text: str) -> None:
        self.turns += [("assistant", text), ("user", AND_THEN[self._answers % len(AND_THEN)])]
        self._answers += 1

    @property
    def messages(self) -> list[Any]:
        """As both SDKs take them; their types are unions that each release makes anew."""
        return [{"role": role, "content": text} for role, text in self.turns]


class OpenAIApplication:
    """Asks for one model, wherever it may be served from."""

    def __init__(self, base_url: str, api_key: str, model: str) -> None:
        import openai

        self._model = model
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,
            timeout=TIMEOUT,
            # The gateway is on this machine, whatever proxy leads out of it.
            http_client=openai.DefaultHttpxClient(trust_env=False),
        )

    def close(self) -> None:
        self._client.close()

    def ask(self, conversation: Conversation) -> Answer:
        """One turn, streamed to its end."""
        arm = target = ""
        try:
            raw = self._client.chat.completions.with_raw_response.create(
                model=self._model,
                messages=[{"role": "system", "content": SYSTEM}, *conversation.messages],
                stream=True,
                max_tokens=MOST_TOKENS,
            )
            arm, target = _served_by(raw.headers)
            choices = [choice for chunk in raw.parse() for choice in chunk.choices]
        except Exception as error:  # noqa: BLE001  the SDK's own kinds and its transport's: either way no whole answer
            return Answer(arm, target, lost=str(error) or type(error).__name__)
        if not any(choice.finish_reason for choice in choices):
            return Answer(arm, target, lost=ENDED_EARLY)
        conversation.answered("".join(choice.delta.content or "" for choice in choices))
        return Answer(arm, target)


class AnthropicApplication:
    """As the other, by Anthropic's messages."""

    def __init__(self, base_url: str, api_key: str, model: str) -> None:
        import anthropic

        self._model = model
        self._client = anthropic.Anthropic(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,
            timeout=TIMEOUT,
            http_client=anthropic.DefaultHttpxClient(trust_env=False),
        )

    def close(self) -> None:
        self._client.close()

    def ask(self, conversation: Conversation) -> Answer:
        """One turn, streamed to its end."""
        from anthropic.types import RawContentBlockDeltaEvent, RawMessageStopEvent, TextDelta

        arm = target = ""
        try:
            raw = self._client.messages.with_raw_response.create(
                model=self._model,
                system=SYSTEM,
                messages=conversation.messages,
                stream=True,
                max_tokens=MOST_TOKENS,
            )
            arm, target = _served_by(raw.headers)
            events = list(raw.parse())
        except Exception as error:  # noqa: BLE001  as above
            return Answer(arm, target, lost=str(error) or type(error).__name__)
        if not any(isinstance(event, RawMessageStopEvent) for event in events):
            return Answer(arm, target, lost=ENDED_EARLY)
        deltas = (event.delta for event in events if isinstance(event, RawContentBlockDeltaEvent))
        conversation.answered("".join(delta.text for delta in deltas if isinstance(delta, TextDelta)))
        return Answer(arm, target)


def _served_by(headers: Mapping[str, str]) -> tuple[str, str]:
    return headers.get("x-earthward-arm", ""), headers.get("x-earthward-target", "")
