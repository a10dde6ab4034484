"""What becomes of words between dialects: nothing that carries content is ever lost without a word."""

import msgspec
import pytest

from earthward.chat import Failure
from earthward.dialects.fates import SPEAKERS, Fate, Speaker, can_say, fate, fields
from earthward.dialects.words import WORDS, Word

NAMES = [word.name for word in WORDS]
SPOKEN = {speaker.name: speaker for speaker in SPEAKERS}
CITED = ("a document to be cited", "a page cited in an earlier answer", "a document cited in an earlier answer")
ONLY_TUNES = frozenset({"a name on a message", "detail of an image", "a function held to its schema", *CITED})
"""Of all before it comes to how answers are drawn. Where a text was from is told beside it: the text itself is kept."""
CONTENT = WORDS[: NAMES.index("tools if the model wants")]


def word(name: str) -> Word:
    return WORDS[NAMES.index(name)]


@pytest.mark.parametrize("speaker", SPEAKERS, ids=SPOKEN)
@pytest.mark.parametrize("said", WORDS, ids=NAMES)
def test_what_is_dropped_is_named_and_what_is_refused_has_its_reason(said: Word, speaker: Speaker) -> None:
    found = fate(speaker, said)
    if found.outcome == "dropped":
        assert found.names
    assert bool(found.reason) is (found.outcome == "refused")


@pytest.mark.parametrize("speaker", SPEAKERS, ids=SPOKEN)
@pytest.mark.parametrize("said", CONTENT, ids=[said.name for said in CONTENT])
def test_what_carries_content_is_never_dropped(said: Word, speaker: Speaker) -> None:
    assert fate(speaker, said).outcome != "dropped" or said.name in ONLY_TUNES


@pytest.mark.parametrize("speaker", SPEAKERS, ids=SPOKEN)
@pytest.mark.parametrize("said", WORDS, ids=NAMES)
def test_what_is_kept_stands_in_a_field_and_reads_back(said: Word, speaker: Speaker) -> None:
    if fate(speaker, said).outcome == "kept":
        assert can_say(speaker, said)
        assert fields(speaker, said) or "if the model wants" in said.name or "no tools" in said.name


@pytest.mark.parametrize("said", WORDS, ids=NAMES)
def test_every_word_says_something_and_its_plain_request_does_not(said: Word) -> None:
    # The model's own choice is what no word means too.
    assert said.heard(said.request) != said.heard(said.plain) or said.name == "tools if the model wants"


@pytest.mark.parametrize("other", SPEAKERS, ids=[f"to {name}" for name in SPOKEN])
@pytest.mark.parametrize("speaker", SPEAKERS, ids=[f"from {name}" for name in SPOKEN])
def test_what_both_can_say_is_the_same_there_and_back_again(speaker: Speaker, other: Speaker) -> None:
    for said in WORDS:
        if can_say(speaker, said) and can_say(other, said):
            request = said.request
            for one in (speaker, other, speaker):
                written = one.write(request)
                assert isinstance(written, bytes)
                read = one.read(written)
                assert not isinstance(read, Failure)
                request = msgspec.structs.replace(read, model="m")
            assert said.heard(request) == said.heard(said.request), said.name


@pytest.mark.parametrize(
    ("name", "target", "outcome"),
    [
        ("system text", "gemini", "kept"),
        ("PDF, as data", "ollama", "refused"),
        ("some tool must be called", "ollama", "made up"),
        ("no calls in parallel", "ollama", "made up"),
        ("several answers", "anthropic_messages", "made up"),
        ("JSON of a schema", "gemini", "kept"),
        ("a result that is an error", "openai_chat", "roughly"),
    ],
)
def test_what_is_said_of_a_few(name: str, target: str, outcome: str) -> None:
    assert fate(SPOKEN[target], word(name)).outcome == outcome


def test_litellm_7131_a_form_asked_for_is_a_form_asked_for_everywhere() -> None:
    for name in ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "ollama"):
        assert fate(SPOKEN[name], word("JSON of a schema")).outcome == "kept"


def test_litellm_35711_tools_are_sent_everywhere() -> None:
    for name in ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "ollama"):
        assert fate(SPOKEN[name], word("a function")).outcome == "kept"


@pytest.mark.parametrize("speaker", [it for it in SPEAKERS if it.name != "openai_completions"], ids=lambda it: it.name)
def test_that_a_result_is_an_error_is_said_or_named(speaker: Speaker) -> None:
    """Where there is no word for it the text begins with one."""
    found = fate(speaker, word("a result that is an error"))
    is_said = speaker.name in ("anthropic_messages", "gemini")
    assert found == (Fate("kept") if is_said else Fate("roughly", ("messages.is_error",)))
    if not is_said:
        assert b"Error: " in speaker.write(word("a result that is an error").request)  # type: ignore[operator]
