"""What a sample says: the request as a chat, and the answer that its caller got."""

import msgspec

from earthward.chat import (
    Answer,
    ChatRequest,
    Document,
    Failure,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    collect,
)
from earthward.config.snapshot import Provider, Target
from earthward.dialects.envelope import read
from earthward.gateway.crossing import ON_RECORD
from earthward.gateway.doors import EXITS, door_at
from earthward.gateway.doors.door import Question
from earthward.gateway.samples import Sample
from earthward.quality.case import Call, Said

NANO = 1_000_000_000
NOT_FOR_SHADOWS = frozenset({"service_tier", "serviceTier", "speed", "inference_geo", "prediction", "store"})
"""Fields that make the same words dearer, or have a vendor keep them: nothing that an answer is compared by."""
COST_NOTHING = frozenset(
    {
        *("logit_bias", "verbosity", "prompt_cache_key", "safety_identifier", "safetySettings", "chat_template_kwargs"),
        *("repetition_penalty", "min_tokens", "stop_token_ids", "output_config", "thinking", "cache_control"),
        *("options", "keep_alive"),
    }
)
"""Of the fields that no dialect here has a word for, those that are known to be paid for by tokens alone."""


class Asked(msgspec.Struct, frozen=True):
    """`answer` is None where there was none, or none that can be read."""

    chat: ChatRequest
    answer: Answer | None


def asked(sample: Sample) -> Asked | None:
    """None for a dialect whose answers nobody here can read, or a request that can't be understood."""
    door = door_at(sample.path, sample.query)
    if door is None or door.operation != "chat" or door.dialect not in EXITS:
        return None
    envelope = read(sample.request)
    if isinstance(envelope, Failure):
        return None
    glance = door.glance(envelope)
    if isinstance(glance, Failure):
        return None
    chat = Question(door, envelope, glance, sample.id, sample.at // NANO).chat
    if isinstance(chat, Failure):
        return None
    return Asked(_plain(chat), _answer(chat, sample, door.dialect))


def _plain(chat: ChatRequest) -> ChatRequest:
    rest = {name: value for name, value in chat.rest.items() if name not in NOT_FOR_SHADOWS}
    return msgspec.structs.replace(chat, rest=rest)


def _answer(chat: ChatRequest, sample: Sample, dialect: str) -> Answer | None:
    if not sample.answer:
        return None
    # Only how an answer reads is wanted of it, which no target and no provider has a say in.
    nowhere = Provider("", "openai_compatible", dialect, "local", ())
    way = EXITS[dialect].way(Target("", "", chat.model, "local"), nowhere)
    if not sample.stream:
        whole = way.read_answer(chat, sample.answer)
        return None if isinstance(whole, Failure) else whole
    reader = way.reader(chat)
    streamed = collect([*reader.feed(sample.answer), *reader.end()])
    return None if isinstance(streamed, Failure) else streamed


def said(answer: Answer | None) -> Said:
    """The first of the answers, as checks and judges see it."""
    if answer is None or not answer.choices:
        return Said()
    choice = answer.choices[0]
    return Said(
        "".join(part.text for part in choice.parts if isinstance(part, Text)),
        tuple(Call(part.name, part.arguments) for part in choice.parts if isinstance(part, ToolCall)),
        "".join(part.text for part in choice.parts if isinstance(part, Refusal)),
        ON_RECORD[choice.reason],
    )


def prompt(chat: ChatRequest) -> str:
    """All text that was sent, message by message."""
    lines = []
    for message in chat.messages:
        words = [_words(part) for part in message.parts]
        lines.append(f"{message.role}: " + "\n".join(word for word in words if word))
    return "\n\n".join(lines)


def _words(part: object) -> str:
    match part:
        case Text(text) | Refusal(text):
            return text
        case ToolCall(name=name, arguments=arguments):
            return f"(calls {name} with {arguments})"
        case ToolResult(content=content):
            return "".join(_words(inner) for inner in content)
        case Document(text=str(text)):
            return text
    return ""


def schema_of(chat: ChatRequest) -> dict[str, object] | bool | None:
    """The schema that was asked for; True for any JSON."""
    if chat.output is None or chat.output.kind != "json":
        return None
    return True if chat.output.schema is None else chat.output.schema


def tools_of(chat: ChatRequest) -> dict[str, dict[str, object]] | None:
    """Functions by name; None where some are of a kind whose arguments are not ours to know."""
    if not all(_is_function(tool) for tool in chat.tools):
        return None
    return {tool.name: tool.parameters or {} for tool in chat.tools}


def _is_function(tool: Tool) -> bool:
    return tool.kind == "function"


def is_only_text(chat: ChatRequest) -> bool:
    """Whether the bytes of its text bound its tokens, and these what it costs: no searches, calls or sounds beside."""
    if any(tool.kind == "hosted" for tool in chat.tools) or not chat.rest.keys() <= COST_NOTHING:
        return False
    parts = (part for message in chat.messages for part in message.parts)
    return all(isinstance(part, Text | Refusal | ToolCall | ToolResult) for part in parts)
