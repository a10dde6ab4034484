"""Whatever comes in, no reader, writer, listener or hint raises: what is wrong is a failure, and has a kind.

Cases are drawn with seeds that never change; `FUZZ_CASES` says how many in all (`make fuzz`: a million).
"""

import json
import os
import random
from typing import Any

import pytest

from earthward.chat import Answer, ChatRequest, Failed, Failure, Finished, Started, collect, events_of
from earthward.dialects.embeddings import gemini as gemini_embeddings
from earthward.dialects.embeddings import ollama as ollama_embeddings
from earthward.dialects.embeddings import openai as openai_embeddings
from every_dialect import DIALECTS, Dialect, mutated, mutated_stream, sealed, spelt, torn

CASES = int(os.environ.get("FUZZ_CASES", "20000"))
SHARDS = max(10, CASES // 10_000)
"""Tests for each dialect and kind: as many as let a long run show how far it is."""
PER_SHARD = max(1, CASES // (SHARDS * 2 * len(DIALECTS)))
REQUESTS = {dialect.name: [json.loads(body) for body in dialect.golden_requests()] for dialect in DIALECTS}
ANSWERS = {dialect.name: [json.loads(body) for body in dialect.golden_answers()] for dialect in DIALECTS}
STREAMS = {dialect.name: dialect.golden_streams() for dialect in DIALECTS}


def one_of(documents: list[Any], chance: random.Random) -> bytes:
    body = spelt(mutated(chance.choice(documents), chance))
    return torn(body, chance) if chance.random() < 0.15 else body


def try_request(dialect: Dialect, body: bytes) -> None:
    envelope = sealed(body)
    if envelope is not None:
        dialect.glance(envelope)
        dialect.prepare(envelope)
    request = dialect.read_request(body)
    if not isinstance(request, ChatRequest):
        assert request.kind in ("bad_request", "unsupported"), request
        return
    for other in DIALECTS:
        other.losses(request)
        written = other.write_request(request)
        if isinstance(written, bytes):
            json.loads(written)
        else:
            assert written.kind in ("bad_request", "unsupported", "malformed"), written


def try_answer(dialect: Dialect, body: bytes) -> None:
    dialect.module.listen_answer(body, "m")
    dialect.module.failure_of(400, [], body)
    answer = dialect.read_answer(body)
    if not isinstance(answer, Answer):
        return
    for other in DIALECTS:
        written = other.write_answer(answer)
        if isinstance(written, bytes):
            json.loads(written)
        stream = other.write_stream(events_of(answer))
        assert stream
        other.read_stream(stream)


def try_stream(dialect: Dialect, stream: bytes, chance: random.Random) -> None:
    at = chance.randrange(len(stream) + 1)
    events = dialect.read_stream(stream[:at], stream[at:])
    assert events
    assert isinstance(events[-1], Failed | Finished), events[-1]
    assert all(isinstance(event, Started) is (place == 0) for place, event in enumerate(events[:-1])), events
    assert sum(isinstance(event, Failed) for event in events) <= 1
    collect(events)
    listener = dialect.listener()
    listener.feed(stream[:at])
    listener.feed(stream[at:])
    listener.end()
    assert listener.is_over or listener.failure is not None
    for other in DIALECTS:
        other.read_stream(other.write_stream(events))


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.name for dialect in DIALECTS])
def test_no_request_makes_anybody_raise(dialect: Dialect, shard: int) -> None:
    for case in range(PER_SHARD):
        body = one_of(REQUESTS[dialect.name], random.Random(f"{dialect.name} {shard} {case}"))
        try:
            try_request(dialect, body)
        except BaseException as error:
            error.add_note(f"case {case} of shard {shard}: {body!r}")
            raise


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.name for dialect in DIALECTS])
def test_no_answer_makes_anybody_raise(dialect: Dialect, shard: int) -> None:
    for case in range(PER_SHARD):
        chance = random.Random(f"{dialect.name} {shard} {case}")
        is_whole = case % 2 == 0
        body = (
            one_of(ANSWERS[dialect.name], chance)
            if is_whole
            else mutated_stream(chance.choice(STREAMS[dialect.name]), chance)
        )
        try:
            if is_whole:
                try_answer(dialect, body)
            else:
                try_stream(dialect, body, chance)
        except BaseException as error:
            error.add_note(f"case {case} of shard {shard}: {body!r}")
            raise


EMBEDDING_REQUESTS: list[Any] = [
    {"model": "m", "input": ["a", "b"], "dimensions": 3, "encoding_format": "base64", "user": "u"},
    {"model": "m", "prompt": "a", "truncate": True, "options": {}},
    {"requests": [{"content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING", "title": "t"}]},
    {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 3},
    {"instances": [{"content": "a", "task_type": "x"}], "parameters": {"autoTruncate": False}},
]
EMBEDDING_ANSWERS: list[Any] = [
    {"data": [{"embedding": [1.0], "index": 0}, {"embedding": "AACAPw==", "index": 1}], "usage": {"prompt_tokens": 2}},
    {"model": "m", "embeddings": [[1.0], [2.0]], "prompt_eval_count": 3},
    {"embeddings": [{"values": [1.0]}, {"values": [2.0]}], "usageMetadata": {"promptTokenCount": 2}},
    {"predictions": [{"embeddings": {"values": [1.0], "statistics": {"token_count": 2}}}] * 2},
]


def test_no_embedding_makes_anybody_raise() -> None:
    request = openai_embeddings.read_request(b'{"model":"m","input":["a","b"]}')
    assert not isinstance(request, Failure)
    for case in range(max(200, PER_SHARD)):
        chance = random.Random(f"embeddings {case}")
        asked, answered = one_of(EMBEDDING_REQUESTS, chance), one_of(EMBEDDING_ANSWERS, chance)
        try:
            for read in (openai_embeddings.read_request, ollama_embeddings.read_request):
                read(asked)
            for form in ("one", "batch", "predict"):
                gemini_embeddings.read_request(asked, "m", form)  # type: ignore[arg-type]
            gemini_embeddings.text_length(asked)
            for module in (openai_embeddings, gemini_embeddings, ollama_embeddings):
                module.read_answer(answered, request)
        except BaseException as error:
            error.add_note(f"case {case}: {asked!r} {answered!r}")
            raise
