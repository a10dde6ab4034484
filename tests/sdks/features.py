"""What every SDK must be able to do with every target: one function each, which raises where it cannot.

A function gets the pair and returns nothing. What a target is not made for is refused by the gateway, with a reason.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from harness import until
from sdks.asking import PNG, Question, counted, embedding, request
from sdks.client import Sdk
from sdks.world import Target, World

FEW = 4
"""Tokens of an answer by the real model, which takes its time."""
OBJECT = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Oslo"]}},
    "required": ["city"],
    "additionalProperties": False,
}
STORY = "Write a long story about a fox."
TOOLS = (("weather", OBJECT), ("population", OBJECT))


class RefusedByGateway(Exception):
    """The message is the reason."""


class Pair(NamedTuple):
    world: World
    sdk: Sdk
    target: Target

    def task(self, op: str, say: str, script: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        """What the SDK tells, an error included. `script` is what a simulated vendor is to do."""
        results = {"results": asked.pop("results")} if "results" in asked else {}
        key = {"key": asked.pop("key")} if "key" in asked else {}
        directive = f" sim:{json.dumps(script)}" if script and not self.target.is_real else ""
        if self.target.is_real:
            asked.setdefault("most", FEW)
            asked["temperature"] = 0.0
        asked.setdefault("model", self.target.name)
        question = Question(say=say + directive, **asked)
        return self.world.tell(self.sdk, op, request=request(self.sdk.dialect, question), **results, **key)

    def marker(self) -> str:
        """A word to look for upstream. A real model is told the same each time, and reads it only once."""
        return "a fox" if self.target.is_real else self.world.marker()

    def answer(self, op: str, say: str, script: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        """What the SDK tells of an answer; an error raises."""
        return self._answered(self.task(op, say, script, **asked))

    def beside(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        """The same for what is no chat."""
        return self._answered(self.world.tell(self.sdk, op, request=request))

    def _answered(self, told: dict[str, Any]) -> dict[str, Any]:
        if "error" in told:
            _, _, reason = told["error"]["message"].partition("no target may serve this request (")
            if reason:
                raise RefusedByGateway(reason.partition(")")[0])
            raise AssertionError(f"{told['error']}")
        return told


def whole(pair: Pair) -> None:
    told = pair.answer("whole", STORY, {"tokens": 12})
    assert told["model"] == pair.target.name, "answers name the model that was asked for"
    _is_text(pair, told, 12)


def streamed(pair: Pair) -> None:
    told = pair.answer("streamed", STORY, {"tokens": 12})
    assert told["pieces"] >= (2 if pair.target.is_real else 12), "a stream comes piece by piece"
    _is_text(pair, told, 12)


def _is_text(pair: Pair, told: dict[str, Any], tokens: int) -> None:
    if pair.target.is_real:
        assert told["text"].strip()
    else:
        assert told["text"] == _numbered(tokens)
        assert told["finish"] in ("stop", "end_turn")


def _numbered(tokens: int) -> str:
    return " ".join(f"t{number}" for number in range(tokens))


def system_prompt(pair: Pair) -> None:
    marker = pair.marker()
    assert pair.answer("whole", "Who are you?", system=f"You are {marker}.")["text"].strip()
    if not pair.target.is_real:
        (entry,) = pair.world.seen(pair.target, marker)
        body = json.loads(entry["body"])
        apart = next((body[name] for name in ("system", "systemInstruction", "instructions") if body.get(name)), None)
        assert marker in json.dumps(apart or _turns(body)[0])
        assert [turn["role"] for turn in _turns(body) if turn["role"] == "user"] == ["user"]


def several_turns(pair: Pair) -> None:
    marker = pair.marker()
    history = [("user", f"I am {marker}."), ("assistant", "Hello to you.")]
    assert pair.answer("whole", "Who am I?", history=history)["text"].strip()
    if not pair.target.is_real:
        (entry,) = pair.world.seen(pair.target, marker)
        turns = _turns(json.loads(entry["body"]))
        assert [turn["role"] for turn in turns] in (["user", "assistant", "user"], ["user", "model", "user"])
        assert "Hello to you." in json.dumps(turns[1])


def _turns(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation as it came upstream."""
    return list(next(body[name] for name in ("messages", "contents", "input") if name in body))


def tools(pair: Pair) -> None:
    told = pair.answer("whole", "Ask two tools.", {"calls": 2}, tools=TOOLS)
    _are_two_calls(told)


def tools_streamed(pair: Pair) -> None:
    told = pair.answer("streamed", "Ask two tools.", {"calls": 2, "fragment": 3}, tools=TOOLS)
    _are_two_calls(told)
    if "argument_pieces" in told and pair.target.dialect not in ("ollama", "gemini"):
        assert told["argument_pieces"] > 2, "arguments come in pieces where the target sends them so"


def _are_two_calls(told: dict[str, Any]) -> None:
    assert [(call["name"], call["arguments"]) for call in told["calls"]] == [
        ("weather", {"city": "Oslo"}),
        ("population", {"city": "Oslo"}),
    ]
    ids = [call["id"] for call in told["calls"] if "id" in call]
    assert len(set(ids)) == len(ids)
    # Ollama and Google have no word for it.
    assert told["finish"] in ("tool_calls", "tool_use", "stop")
    assert (told["finish"] == "stop") == (not ids)


def tool_results(pair: Pair) -> None:
    for op in ("whole", "streamed"):
        marker = pair.world.marker()
        results = [f"{marker} rain", f"{marker} many"]
        told = pair.answer(op, "Ask two tools.", {"calls": 2, "tokens": 4}, tools=TOOLS, results=results)
        assert told["text"] == _numbered(4)
        (entry,) = pair.world.seen(pair.target, marker)
        first, rain, second, many = (entry["body"].find(word) for word in ("weather", "rain", "population", "many"))
        assert min(first, rain, second, many) >= 0
        assert rain < many, "results keep their order"


def image(pair: Pair) -> None:
    marker = pair.world.marker()
    assert pair.answer("whole", f"What is this, {marker}?", image=True)["text"]
    (entry,) = pair.world.seen(pair.target, marker)
    assert entry["images"] == 1
    # Google's Python SDK writes the base64 of URLs.
    assert PNG in entry["body"].replace("-", "+").replace("_", "/")


def stop_sequence(pair: Pair) -> None:
    stop = "e" if pair.target.is_real else "t4"
    told = pair.answer("whole", STORY, {"tokens": 12}, stop=stop, most=24)
    assert stop not in told["text"]
    if not pair.target.is_real:
        assert told["text"].rstrip() == _numbered(4)
    # Only Anthropic tells a stop sequence from an end.
    assert told["finish"] in ("stop", "end_turn", "stop_sequence")


def schema(pair: Pair) -> None:
    # A real model may fill an answer with blanks until it has no tokens left.
    wanted = {"type": "boolean"} if pair.target.is_real else OBJECT
    told = pair.answer("whole", STORY, schema=wanted, most=FEW if pair.target.is_real else 24)
    answer = json.loads(told["text"])
    assert isinstance(answer, bool) if pair.target.is_real else answer == {"city": "Oslo"}


def most_tokens(pair: Pair) -> None:
    told = pair.answer("whole", STORY, {"tokens": 12}, most=FEW)
    assert told["finish"] in ("length", "max_tokens")
    if not pair.target.is_real:
        assert told["text"] == _numbered(FEW)


def usage(pair: Pair) -> None:
    for op in ("whole", "streamed"):
        told = pair.answer(op, STORY, {"tokens": 12})
        taken, given = told["usage"]
        assert taken > 0
        # A model of Ollama's that can think does so unless told otherwise.
        assert given == (FEW if pair.target.is_real else 12 + len(told["reasoning"].split()))


def reasoning(pair: Pair) -> None:
    for op in ("whole", "streamed"):
        told = pair.answer(op, "Think.", {"reasoning": 5, "tokens": 7}, thinks=True)
        assert told["text"] == _numbered(7)
        asks_to_see = pair.sdk.dialect != "openai" or pair.target.dialect in ("anthropic", "ollama")
        if pair.target.dialect == "openai" or not asks_to_see:
            # Its chat API counts thoughts, and shows none; nor can it be asked to show what others would.
            assert told["usage"][1] == 12
            assert told.get("thought", 5) == 5
        else:
            assert told["reasoning"] == _numbered(5)


class Raised(NamedTuple):
    """What an SDK raises, and the statuses that may come with it. Ollama's SDK has one class for all."""

    classes: frozenset[str]
    statuses: tuple[int, ...]


BAD_KEY = Raised(frozenset({"AuthenticationError"}), (401,))
UNKNOWN_MODEL = Raised(frozenset({"NotFoundError"}), (404,))
RATE_LIMITED = Raised(frozenset({"RateLimitError"}), (429,))
# Ollama knows no limit but what was paid for, and only Anthropic has a status for that.
USED_UP = Raised(frozenset({"RateLimitError", "APIError"}), (429, 402))
OVERLOADED = Raised(frozenset({"InternalServerError", "OverloadedError"}), (503, 529))
TOO_LONG = Raised(frozenset({"BadRequestError"}), (400,))


def _raises(pair: Pair, wanted: Raised, say: str, script: dict[str, Any] | None = None, **asked: Any) -> None:
    whatever = {"ollama": frozenset({"ResponseError"}), "google": frozenset({"ClientError", "ServerError", "ApiError"})}
    classes = whatever.get(pair.sdk.dialect, wanted.classes)
    for op in ("whole", "streamed"):
        told = pair.task(op, say, script, **asked)
        assert "error" in told, told
        error = told["error"]
        assert error["status"] in wanted.statuses, error
        assert classes & set(error["classes"]), error
        assert error["message"]


def bad_key(pair: Pair) -> None:
    _raises(pair, BAD_KEY, "Hello.", key="ew-wrong")


def unknown_model(pair: Pair) -> None:
    _raises(pair, UNKNOWN_MODEL, "Hello.", model="nobody-serves-this")


def rate_limited(pair: Pair) -> None:
    _raises(pair, USED_UP if pair.target.dialect == "ollama" else RATE_LIMITED, "Hello.", {"fault": "429"})


def overloaded(pair: Pair) -> None:
    _raises(pair, OVERLOADED, "Hello.", {"fault": "529" if pair.target.dialect == "anthropic" else "503"})


def too_long(pair: Pair) -> None:
    _raises(pair, TOO_LONG, "many " * pair.target.context)


def cancelled(pair: Pair) -> None:
    marker, before = pair.world.marker(), pair.world.written() if pair.target.is_real else 0
    told = pair.answer("leave", f"Count, {marker}.", {"tokens": 5000, "rate": 100}, most=1500)
    assert told["read"] == 3
    if pair.target.is_real:
        until(lambda: pair.world.busy() == 0, "the model to stop")
        assert pair.world.written() - before < 1500, "it did not go on to the end"
        return
    (entry,) = until(
        lambda: [entry for entry in pair.world.seen(pair.target, marker) if entry["how"] != "open"], "the end upstream"
    )
    assert entry["how"] == "cancelled"
    assert entry["ended_at"] - told["left"] < pair.world.leaves_within * 10**9


def models(pair: Pair) -> None:
    assert pair.target.name in pair.world.tell(pair.sdk, "models")["models"]


def embeddings(pair: Pair) -> None:
    marker = pair.marker()
    texts = [f"One text, {marker}.", "Another one."]
    told = pair.beside("embed", embedding(pair.sdk.dialect, pair.target.name, texts))
    one, other = told["vectors"]
    assert len(one) == len(other) > 100
    assert one != other
    (entry,) = pair.world.seen(pair.target, marker)
    first, second = (entry["body"].find(text) for text in texts)
    assert 0 <= first < second, "texts keep their order"


def counts(pair: Pair) -> None:
    def tokens(words: int, **asked: Any) -> int:
        question = Question(say="many " * words, model=pair.target.name, **asked)
        return int(pair.beside("count", counted(pair.sdk.dialect, question))["tokens"])

    few, many = tokens(10), tokens(60)
    assert 5 <= few < 60
    assert 60 <= many < 200
    if pair.sdk.dialect != "google":
        # Google's SDK counts system texts at Vertex AI alone.
        assert tokens(10, system="Be kind. " * 20) > few + 20


def stored(pair: Pair) -> None:
    marker = pair.marker()
    first = request(pair.sdk.dialect, Question(say=f"I am {marker}.", model=pair.target.name, most=FEW))
    then = request(pair.sdk.dialect, Question(say="Who am I?", model=pair.target.name, most=FEW))
    told = pair.beside("stored", {"first": first, "then": then})
    assert told["text"].strip()
    assert told["fetched"] == told["said"], "a response that is fetched is the one that was given"
    assert told["items"] == 1
    assert told["gone"] == 404
    if not pair.target.is_real:
        *_, entry = pair.world.seen(pair.target, marker)
        said = json.dumps(_turns(json.loads(entry["body"])))
        assert 0 <= said.find(marker) < said.find("Who am I?"), "the conversation comes whole"


class Feature(NamedTuple):
    """`of_real` is whether a real model can do it; `nothing_for` are SDKs and targets that have no word for it."""

    name: str
    check: Callable[[Pair], None]
    of_real: bool = True
    nothing_for: frozenset[str] = frozenset()


CLAUDES = frozenset({"anthropic", "anthropic-2025", "anthropic-js", "anthropic-vertex"})
CHATS = frozenset({"openai", "openai-2025", "openai-js", "azure", "ollama", "ollama-js"})
GOOGLES = frozenset({"google", "google-vertex", "google-2025", "google-js"})
FEATURES = (
    Feature("whole answer", whole),
    Feature("stream, by the SDK's helper", streamed),
    Feature("system prompt", system_prompt),
    Feature("several turns", several_turns),
    Feature("tools, two calls at once", tools),
    Feature("tools, arguments streamed", tools_streamed),
    Feature("tool results in a second turn", tool_results),
    Feature("image as base64", image),
    Feature("stop sequence", stop_sequence, nothing_for=frozenset({"responses", "sim-responses"})),
    Feature("JSON schema", schema),
    Feature("most tokens", most_tokens),
    Feature("usage", usage),
    Feature("reasoning", reasoning, of_real=False),
    Feature("error: bad key", bad_key),
    Feature("error: unknown model", unknown_model),
    Feature("error: rate limited", rate_limited, of_real=False),
    Feature("error: overloaded", overloaded, of_real=False),
    Feature("error: context too long", too_long),
    Feature("cancel in mid-stream", cancelled),
    Feature("models list", models, nothing_for=frozenset({"anthropic-vertex", "google-vertex"})),
    Feature("embeddings", embeddings, nothing_for=CLAUDES | {"responses"}),
    Feature("token counts", counts, nothing_for=CHATS),
    Feature("stored responses", stored, nothing_for=CLAUDES | CHATS | GOOGLES),
)
