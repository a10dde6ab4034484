"""Ollama's own API: its clients by `/api/chat` and `/api/generate`, and targets on Ollama hosts."""

import msgspec

from earthward.chat import Answer, ChatRequest, Failure
from earthward.config.snapshot import Provider, Shown, Target
from earthward.dialects import ollama
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Glance, Headers, Question, Writer
from earthward.gateway.doors.exit import Heard, Listener, Reader, Way
from earthward.providers.kind import Operation


class _Door:
    family = b"/api/"
    dialect = "ollama"
    key_dialect = "ollama"
    vendor = None
    stream_type = ollama.CONTENT_TYPE
    id_header = None
    presented = b""

    def __init__(self, path: bytes, operation: Operation) -> None:
        self.path = path
        self.operation = operation
        self._generate = operation == "generate"

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return ollama.glance(envelope, self._generate)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        body = envelope.encode()
        return ollama.read_generate(body) if self._generate else ollama.read_request(body)

    def answers_itself(self, question: Question) -> bytes | None:
        """Models are loaded and unloaded by whoever runs the hosts: a caller's wish for it is met with a yes."""
        envelope = question.envelope
        if not ollama.only_loads(envelope, self._generate):
            return None
        unload = envelope.get("keep_alive") in (0, "0")
        return ollama.write_loaded(question.glance.model, question.created, unload, self._generate)

    def writer(self, question: Question) -> Writer:
        return ollama.StreamWriter(question.glance.model, question.created, self._generate)

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        named = Answer(None, question.glance.model, question.created, answer.choices, answer.usage, answer.rest)
        return ollama.write_answer(named, self._generate)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return ollama.write_failure(failure)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return ollama.error_line(failure)


class _Way:
    """`loaded` is how the model is loaded, the same for all requests but for its context."""

    def __init__(self, model: str, loaded: ollama.Model) -> None:
        self._model = model
        self._loaded = loaded
        self.context = loaded.num_ctx or 0

    def at(self, context: int) -> "_Way":
        """The same with so much context."""
        if context == self._loaded.num_ctx:
            return self
        return _Way(self._model, msgspec.structs.replace(self._loaded, num_ctx=context))

    def pass_on(self, question: Question) -> bytes:
        return ollama.prepare(question.envelope, self._model, self._loaded)

    def left_out(self, question: Question) -> tuple[str, ...]:
        return ollama.left_out(question.envelope)

    def hear(self, question: Question, body: bytes) -> Heard:
        return ollama.listen_answer(body, question.glance.model)

    def listen(self, question: Question) -> Listener:
        return ollama.StreamListener(question.glance.model)

    def write_request(self, chat: ChatRequest) -> bytes | Failure:
        return ollama.write_request(ollama.with_format_in_prompt(chat), self._loaded)

    def losses(self, chat: ChatRequest) -> tuple[str, ...]:
        return ollama.losses(chat, self._loaded)

    def read_answer(self, chat: ChatRequest, body: bytes) -> Answer | Failure:
        return ollama.read_answer(body, ollama.custom_tools(chat.tools), self._loaded.num_ctx)

    def reader(self, chat: ChatRequest) -> Reader:
        return ollama.StreamReader(ollama.custom_tools(chat.tools), self._loaded.num_ctx)


class _Exit:
    dialect = "ollama"
    stream_type = b"application/x-ndjson"

    def way(self, target: Target, provider: Provider) -> Way:
        shown = target.shown or Shown(target.model)
        loaded = ollama.Model(
            capabilities=None if shown.capabilities is None else frozenset(shown.capabilities),
            thinks_in_levels=shown.thinks_in_levels,
            stop=shown.stop,
            num_ctx=target.context,
            keep_alive=target.keep_alive,
        )
        return _Way(target.model, loaded)

    def failure_of(self, status: int, headers: Headers, body: bytes) -> Failure:
        return ollama.failure_of(status, headers, body)


DOORS = (_Door(b"/api/chat", "chat"), _Door(b"/api/generate", "generate"))
EXIT = _Exit()
