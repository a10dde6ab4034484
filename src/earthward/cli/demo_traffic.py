"""The demo's traffic: an application with many small conversations, through OpenAI's own Python SDK, streamed.

It knows a gateway only by its base URL and key, as any application does, and counts what comes back. The SDK's own
retries are off, so that whatever is rescued is rescued by the gateway.
"""

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

import msgspec

from earthward.cli.demo_stage import LOCAL

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

THREADS = 4
MOST_TOKENS = 24
TIMEOUT = 60.0
MOST_OPENED = 200
"""More openings would not change it: at a quarter, one conversation of 200 is on the candidate for certain."""

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


class Phase(msgspec.Struct):
    """What became of the requests of one phase, as the application saw it.

    `candidate` counts those of conversations on the candidate, whoever served them; each request is counted once in
    `cloud`, `local`, `rescued` or `lost`. `why` is what the first one that was lost ended with.
    """

    name: str
    requests: int = 0
    candidate: int = 0
    cloud: int = 0
    local: int = 0
    rescued: int = 0
    lost: int = 0
    why: str = ""

    def add(self, answer: Answer) -> None:
        is_candidate = answer.arm == "candidate"
        self.requests += 1
        self.candidate += is_candidate
        if answer.lost:
            self.lost += 1
            self.why = self.why or answer.lost
        elif answer.target == LOCAL:
            self.local += 1
        elif is_candidate:
            self.rescued += 1
        else:
            self.cloud += 1


class Conversation:
    """A few turns. All it sends is its own history, so that any target can go on with it."""

    def __init__(self, number: int) -> None:
        question = f"Ticket {number}. {QUESTIONS[number % len(QUESTIONS)]}"
        self._turns = 0
        self._messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": question},
        ]

    def answered(self, text: str) -> None:
        self._messages.append({"role": "assistant", "content": text})
        self._messages.append({"role": "user", "content": AND_THEN[self._turns % len(AND_THEN)]})
        self._turns += 1

    @property
    def messages(self) -> "list[ChatCompletionMessageParam]":
        return self._messages


class Application:
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
                model=self._model, messages=conversation.messages, stream=True, max_tokens=MOST_TOKENS
            )
            arm, target = raw.headers.get("x-earthward-arm", ""), raw.headers.get("x-earthward-target", "")
            choices = [choice for chunk in raw.parse() for choice in chunk.choices]
        except Exception as error:  # noqa: BLE001  the SDK's own kinds and its transport's: either way no whole answer
            return Answer(arm, target, lost=str(error) or type(error).__name__)
        if not any(choice.finish_reason for choice in choices):
            return Answer(arm, target, lost="the stream ended early")
        conversation.answered("".join(choice.delta.content or "" for choice in choices))
        return Answer(arm, target)


class Traffic:
    """Conversations that are opened and go on, a few at a time. Answers are told as they come."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._opened = 0
        self._arms: dict[str, list[Conversation]] = {"candidate": [], "baseline": []}

    def open(self, count: int) -> Iterator[Answer]:
        """The first turns of new conversations; more than `count` only until one of them is on the candidate."""
        yield from self._open(count)
        while self._arms["baseline"] and not self._arms["candidate"] and self._opened < count + MOST_OPENED:
            yield from self._open(1)

    def go_on(self, count: int) -> Iterator[Answer]:
        """The next turns of so many conversations, of either arm by turns as long as there are any."""
        pairs = itertools.zip_longest(*self._arms.values())
        known = (conversation for pair in pairs for conversation in pair if conversation is not None)
        for _, answer in self._ask(itertools.islice(known, count)):
            yield answer

    def _open(self, count: int) -> Iterator[Answer]:
        numbers = range(self._opened + 1, self._opened + 1 + count)
        self._opened += count
        for conversation, answer in self._ask(map(Conversation, numbers)):
            self._arms.setdefault(answer.arm, []).append(conversation)
            yield answer

    def _ask(self, conversations: Iterable[Conversation]) -> Iterator[tuple[Conversation, Answer]]:
        pool = ThreadPoolExecutor(THREADS)
        try:
            asked = {pool.submit(self._application.ask, each): each for each in conversations}
            for answered in as_completed(asked):
                yield asked[answered], answered.result()
        finally:
            # Not waited for: what is still under way ends with the gateway.
            pool.shutdown(wait=False, cancel_futures=True)
