"""The page on translation: what becomes of everything a request can say, from each dialect to each other one."""

from collections.abc import Iterable
from typing import Any

import msgspec

from earthward.chat import Citation, Failure
from earthward.cli.markdown import page, table
from earthward.dialects.citing import citing
from earthward.dialects.fates import SPEAKERS, Fate, Speaker, can_say, fate, fields
from earthward.dialects.own_names import own_names
from earthward.dialects.words import WORDS, Word

_LONGEST_LIST = 2
_HELD = Citation(title="a.pdf", kind="file_citation", rest={"file_id": "file-1"})
_SENT = Citation(title="a.pdf", quote="Rain.", kind="char_location", rest={"document_index": 0})
CITED = (
    ("openai_chat", "a page", Citation(url="https://example.com", kind="url_citation")),
    ("openai_responses", "a page", Citation(url="https://example.com", kind="url_citation")),
    ("openai_responses", "a file that OpenAI holds", _HELD),
    ("openai_responses", "a file that it made", Citation(kind="file_path", rest={"file_id": "file-1"})),
    ("anthropic_messages", "a page", Citation(url="https://example.com", kind="web_search_result_location")),
    ("anthropic_messages", "a document of the request's", _SENT),
    ("gemini", "a page", Citation(url="https://example.com", kind="web")),
    ("gemini", "a text that was retrieved", Citation(title="a.pdf", quote="Rain.", kind="retrievedContext")),
)
"""What each vendor cites."""


def translation() -> str:
    return page(
        "Translation",
        "the dialects' own writers and readers",
        "Where caller and target speak the same dialect, a request passes through as it came. Otherwise it is read and "
        "written again. One table for each dialect of callers: what it can say, in which field, and what becomes of "
        "that at targets of the others.",
        "- **kept**: it arrives as it was said.\n"
        "- **made up**: the target can't do it, so the gateway does it in its place: "
        "[how](../explanation/crossings.md#what-a-target-can-not-do).\n"
        "- **roughly**: it is said in other words, or less exactly. The name, if there is one, stands in "
        "`x-earthward-dropped` and in the record.\n"
        "- **dropped**: it only tunes, and the target has no word for it. The name stands there too.\n"
        "- **refused**: it carries content that the target cannot be told. The caller gets a 400 that says which field "
        "and what to do instead; [the reasons](#why-requests-are-refused) are below.",
        "Said of the vendors' own services. Servers that speak OpenAI's chat take more: see the notes at the end.",
        *(part for speaker in SPEAKERS for part in _section(speaker)),
        "## What answers rest on",
        "Pages of the web and documents that a text says it is from: `annotations` in OpenAI's dialects, `citations` "
        "in Anthropic's, `groundingMetadata` (and `citationMetadata`) in Google's. What the caller's dialect has no "
        "word for is left out, and named in `x-earthward-dropped` and in the record; of a stream, whose headers are "
        "mostly gone by then, in the record.",
        table(("From", "What is cited", *(speaker.title for speaker in SPEAKERS)), _cited()),
        "Google counts in bytes, OpenAI in characters; Anthropic cuts a text into blocks, and so do answers that "
        "are written for its callers, but for streams in which it is only told later what a text rests on. What is "
        "told after a call of a tool has begun finds its text closed in their streams and in those of OpenAI's "
        "responses, and is named. A page of another vendor's has an empty `encrypted_index` for Anthropic's "
        "callers, and is left out where they send it back to Anthropic, which takes what it has sealed itself. "
        "Where an answer is sent back in a conversation, OpenAI's responses are told again, and Anthropic of what "
        "it had cited itself; all others are not, and the caller's field is named.",
        "## Why requests are refused",
        table(("At", "What", "The caller is told"), _reasons()),
        "## Notes",
        "- Servers that speak OpenAI's chat (vLLM, llama.cpp, SGLang, LM Studio) also take `top_k`, `min_p`, "
        "`repeat_penalty`, and the thinking of earlier answers.\n"
        "- Signatures of thoughts go back to the vendor that made them, and to no other. What is taken out of a "
        "history for that is named even where caller and target speak the same: `messages.content.thinking` at "
        "Anthropic, `input.reasoning` at OpenAI's responses, `contents.parts.thoughtSignature` at Google's.\n"
        "- What only tunes and stands inside a message or beside a function, such as `cache_control`, "
        "`prompt_cache_breakpoint` or `mediaResolution`, is not "
        "passed on in translation, and named: `tools.cache_control`. So is every field of a "
        "vendor's SDK that is not in these tables.\n"
        "- What an answer tells that no other dialect has a word for is not passed on, and named as its vendor calls "
        "it, even where caller and target speak the same and it was translated all the same: of Google's, what was "
        "searched for (`groundingMetadata.webSearchQueries`, `groundingMetadata.searchEntryPoint`), what is said of "
        "safety (`safetyRatings`, `promptFeedback.safetyRatings`), and parts such as `parts.inlineData` and "
        "`parts.executableCode`; of Anthropic's, blocks such as `content.server_tool_use`; of OpenAI's, items such as "
        "`output.web_search_call`, and `message.audio`.\n"
        "- Not read, and not named: the order of properties in a schema, and what an answer says of the service that "
        "gave it, such as `system_fingerprint`.\n"
        "- A request that goes on from a stored response (`previous_response_id`) is only served where that response "
        "is kept; `background`, `conversation` and `prompt` are refused.",
    )


def _section(speaker: Speaker) -> Iterable[str]:
    others = [other for other in SPEAKERS if other.name != speaker.name]
    said = [word for word in WORDS if can_say(speaker, word) and fields(speaker, word)]
    yield f"## From {speaker.title}"
    heads = ("What", f"Field in {speaker.title}", *(other.title for other in others))
    yield table(heads, (_row(speaker, word, others) for word in said))


def _row(speaker: Speaker, word: Word, others: list[Speaker]) -> tuple[str, ...]:
    told = fields(speaker, word)
    shown = [name for name in told if not name.endswith((".type", ".role"))] or told
    named = ", ".join(f"`{name}`" for name in shown[:_LONGEST_LIST]) + (" …" if len(shown) > _LONGEST_LIST else "")
    written = speaker.write(word.request)
    said = {} if isinstance(written, Failure) else msgspec.json.decode(written)
    return word.name, named, *(_cell(speaker, said, fate(other, word)) for other in others)


def _cell(caller: Speaker, said: dict[str, Any], found: Fate) -> str:
    """`said` is the request as the caller says it."""
    own = own_names(caller.name, found.names, said.get)
    names = f" ({', '.join(f'`{name}`' for name in own)})" if own else ""
    return f"{found.outcome}{names}"


def _cited() -> Iterable[tuple[str, ...]]:
    for dialect, what, citation in CITED:
        told = (
            "kept" if citing(other.name).can_cite(citation) else f"dropped (`{citing(other.name).field}`)"
            for other in SPEAKERS
        )
        yield next(speaker.title for speaker in SPEAKERS if speaker.name == dialect), what, *told


def _reasons() -> Iterable[tuple[str, str, str]]:
    for speaker in SPEAKERS:
        reasons: dict[str, list[str]] = {}
        for word in WORDS:
            found = fate(speaker, word)
            if found.outcome == "refused":
                reasons.setdefault(found.reason, []).append(word.name)
        for reason, names in reasons.items():
            yield speaker.title, ", ".join(names), reason
