"""A request for embeddings on its way to one target, and the vectors on their way back.

Where caller and target speak the same the bytes pass through; else they are read and written again.
"""

from typing import TYPE_CHECKING, cast

import msgspec

from earthward.chat import Count, EmbedRequest, Failure, FailureKind, Usage
from earthward.dialects.embeddings import gemini, ollama, openai
from earthward.dialects.own_names import own_names
from earthward.gateway.crossing import Crossing, WholeTranslation, Written, plain_names
from earthward.gateway.doors.door import Question, tokens_in
from earthward.gateway.doors.embeddings import EmbeddingDoor
from earthward.gateway.doors.exit import Heard
from earthward.gateway.unstreamed import Unstreamed
from earthward.providers.kind import Operation
from earthward.providers.vertex import embeds_contents, takes_several

if TYPE_CHECKING:
    from earthward.gateway.serving import ServingTarget

FORMS = {"openai_chat": openai, "ollama": ollama, "gemini": gemini}
"""How targets of a dialect are asked."""
NONE = Count.reported(0)


def embedding(question: Question, target: "ServingTarget") -> Crossing:
    door = cast("EmbeddingDoor", question.door)
    if door.passes_to == target.dialect:
        return _Passing(question, target.target.model)
    return _Translating(question, door, target)


class _Passing(Unstreamed):
    def __init__(self, question: Question, model: str) -> None:
        self._question = question
        self._model = model

    def request(self) -> Written | Failure:
        return Written(openai.prepare(self._question.envelope, self._model))

    def whole(self, body: bytes) -> Heard:
        question = self._question
        heard = openai.listen_answer(body, question.glance.model, openai.how_many(question.envelope))
        return WholeTranslation(heard.body, _usage(question, heard.input), failure=heard.failure)


class _Translating(Unstreamed):
    def __init__(self, question: Question, door: EmbeddingDoor, target: "ServingTarget") -> None:
        self._question = question
        self._door = door
        self._target = target
        self._asked: EmbedRequest | None = None

    def request(self) -> Written | Failure:
        asked = self._door.read_embed(self._question.envelope)
        if isinstance(asked, Failure):
            return asked
        target = self._target.target
        asked = self._asked = msgspec.structs.replace(asked, model=target.model)
        match self._target.dialect:
            case "openai_chat":
                body, lost = openai.write_request(msgspec.structs.replace(asked, rest={})), openai.losses(asked)
            case "ollama":
                body = ollama.write_request(asked, target.keep_alive, target.context)
                lost = ollama.losses(asked)
            case "gemini":
                return self._own(_written_for_google(asked, self._target.provider.kind))
            case other:
                return Failure(FailureKind.UNSUPPORTED, f"targets that speak {other} have no embeddings")
        return self._own(body if isinstance(body, Failure) else Written(body, plain_names(lost)))

    def _own(self, written: Written | Failure) -> Written | Failure:
        """With what was dropped in the caller's words."""
        if isinstance(written, Failure) or not written.dropped:
            return written
        names = own_names(self._door.dialect, written.dropped, self._question.envelope.get)
        return msgspec.structs.replace(written, dropped=tuple(names))

    def whole(self, body: bytes) -> Heard:
        assert self._asked is not None, "an answer comes after its request"
        found = FORMS[self._target.dialect].read_answer(body, self._asked)
        if isinstance(found, Failure):
            return WholeTranslation(b"", failure=found)
        written = self._door.write_vectors(self._question, found)
        return WholeTranslation(written, _usage(self._question, found.input))


def _written_for_google(asked: EmbedRequest, kind: str) -> Written | Failure:
    """Vertex AI has other forms than the Gemini API, by the model; for one content another path than for several."""
    form: gemini.Form = "batch"
    operation: Operation | None = None
    at_vertex = kind == "vertex"
    if at_vertex and not embeds_contents(asked.model):
        form = "predict"
    elif at_vertex:
        several = len(asked.texts) > 1 and takes_several(asked.model)
        form, operation = ("batch", "embed_several") if several else ("one", "embed_one")
    body = gemini.write_request(asked, form, at_vertex)
    if isinstance(body, Failure):
        return body
    return Written(body, plain_names(gemini.losses(asked, form, at_vertex)), operation=operation)


def _usage(question: Question, read: Count) -> Usage:
    """What was not told is estimated, and marked so: vectors are billed by what goes in."""
    count = read if read.is_known else Count.estimated(tokens_in(question.glance.characters))
    return Usage(count, NONE, NONE, NONE, NONE)
