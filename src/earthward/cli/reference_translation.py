"""The page on translation: what becomes of everything a request can say, from each dialect to each other one."""

from collections.abc import Iterable

from earthward.cli.markdown import page, table
from earthward.dialects.fates import SPEAKERS, Fate, Speaker, can_say, fate, fields
from earthward.dialects.words import WORDS, Word

_LONGEST_LIST = 2


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
        "## Why requests are refused",
        table(("At", "What", "The caller is told"), _reasons()),
        "## Notes",
        "- Servers that speak OpenAI's chat (vLLM, llama.cpp, SGLang, LM Studio) also take `top_k`, `min_p`, "
        "`repeat_penalty`, and the thinking of earlier answers.\n"
        "- Signatures of thoughts go back to the vendor that made them, and to no other.\n"
        "- What only tunes and stands inside a message or beside a function, such as `cache_control`, "
        "`prompt_cache_breakpoint`, `mediaResolution` or the wish to have a document cited (`citations`), is not "
        "passed on in translation, and named: `messages.citations`, `tools.cache_control`. So is every field of a "
        "vendor's SDK that is not in these tables.\n"
        "- Not read, and not named: the order of properties in a schema; of answers, citations, annotations and "
        "grounding.\n"
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
    return word.name, named, *(_cell(fate(other, word)) for other in others)


def _cell(found: Fate) -> str:
    names = f" ({', '.join(f'`{name}`' for name in found.names)})" if found.names else ""
    return f"{found.outcome}{names}"


def _reasons() -> Iterable[tuple[str, str, str]]:
    for speaker in SPEAKERS:
        reasons: dict[str, list[str]] = {}
        for word in WORDS:
            found = fate(speaker, word)
            if found.outcome == "refused":
                reasons.setdefault(found.reason, []).append(word.name)
        for reason, names in reasons.items():
            yield speaker.title, ", ".join(names), reason
