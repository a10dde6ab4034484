"""Usage, log probabilities, seeds and stop strings, from every dialect's answer or request to every other's."""

from typing import Any

import msgspec
import pytest

from earthward.chat import Answer, ChatRequest, Choice, Count, Failure, Message, Role, Sampling, Text, Usage
from earthward.dialects import ollama
from earthward.dialects.fates import SPEAKERS, Speaker
from earthward.dialects.ollama.model import Model
from every_dialect import CONVERSING, Dialect

TOLD = Usage(Count.reported(100), Count.reported(40), Count.reported(60), Count.reported(0), Count.reported(15))
KNOWS = {
    "openai_chat": {"cached", "reasoning"},
    "openai_responses": {"cached", "reasoning"},
    "anthropic_messages": {"cached", "reasoning"},
    "gemini": {"cached", "reasoning"},
    "ollama": set[str](),
}
"""What each can tell beside the tokens of the prompt and of the answer."""
HI = ChatRequest("m", (Message(Role.USER, (Text("Hi"),)),), max_tokens=9)


def crossed(usage: Usage, *through: Dialect) -> Usage:
    answer = Answer("1", "m", 5, (Choice((Text("Yes"),), "stop"),), usage)
    for dialect in through:
        written = dialect.write_answer(answer)
        assert isinstance(written, bytes)
        found = dialect.read_answer(written)
        assert isinstance(found, Answer)
        answer = found
    return answer.usage


@pytest.mark.parametrize("one", CONVERSING, ids=lambda it: it.name)
@pytest.mark.parametrize("other", CONVERSING, ids=lambda it: it.name)
def test_usage_means_the_same_in_every_shape(one: Dialect, other: Dialect) -> None:
    found = crossed(TOLD, one, other)
    assert (found.input.tokens, found.output.tokens) == (100, 40)
    for name in KNOWS[one.name] & KNOWS[other.name]:
        assert getattr(found, name) == getattr(TOLD, name), name
    for name in {"cached", "reasoning"} - KNOWS[one.name] & KNOWS[other.name]:
        assert getattr(found, name).tokens in (0, getattr(TOLD, name).tokens), name


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda it: it.name)
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("seed", {"sampling": Sampling(seed=7)}),
        ("stop", {"sampling": Sampling(stop=("A", "B"))}),
        ("logprobs", {"logprobs": True}),
        ("top_logprobs", {"logprobs": True, "top_logprobs": 3}),
    ],
)
def test_each_is_said_as_it_was_or_named(speaker: Speaker, name: str, fields: Any) -> None:
    request = msgspec.structs.replace(HI, **fields)
    written = speaker.write(request)
    assert isinstance(written, bytes)
    if name in speaker.losses(request):
        return
    back = speaker.read(written)
    assert not isinstance(back, Failure)
    assert (back.sampling.seed, back.sampling.stop) == (request.sampling.seed, request.sampling.stop)
    assert (back.logprobs, back.top_logprobs or 0) == (request.logprobs, request.top_logprobs or 0)


@pytest.mark.parametrize("speaker", [it for it in SPEAKERS if it.name != "openai_responses"], ids=lambda it: it.name)
def test_stop_strings_of_every_caller_join_those_of_the_modelfile(speaker: Speaker) -> None:
    written = speaker.write(msgspec.structs.replace(HI, sampling=Sampling(stop=("END",))))
    assert isinstance(written, bytes)
    asked = speaker.read(written)
    assert isinstance(asked, ChatRequest)
    sent = ollama.write_request(asked, Model(stop=("<|eot|>", "END")))
    assert isinstance(sent, bytes)
    assert msgspec.json.decode(sent)["options"]["stop"] == ["END", "<|eot|>"]
