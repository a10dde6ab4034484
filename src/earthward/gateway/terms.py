"""On which terms a target is asked: what it lacks, which engine it is, and from where data is fetched for it."""

import re
from collections.abc import Iterable

import msgspec

from earthward.chat import ChatRequest, Failure, FailureKind
from earthward.config.snapshot import Provider, Target
from earthward.dialects.content.engines import PROFILES, Profile
from earthward.dialects.content.lacks import Lack
from earthward.dialects.content.remote import addresses, refusal_of_remote
from earthward.dialects.envelope import says_twice
from earthward.gateway.doors.door import Question
from earthward.providers import KINDS

_TOOLS: frozenset[Lack] = frozenset({"tools", "choice", "parallel"})
_ADDRESS = re.compile(rb':[/\\]|\\u00[2-7]|url"\s*:\s*"(?!data:)')
"""Where an address may be, however it is escaped: servers take them in parts of messages that no SDK knows, and some
take the path of a file for one."""
_FILE = re.compile(rb'"file_data"')
_SAID_IN = ("messages", "input")


class Terms(msgspec.Struct, frozen=True):
    """`doubtful` are the features with which a request of the target's own dialect may not just pass through, with
    `watches_addresses` none may that could name an address, and with `watches_files` none with a file in it.

    `hosts` are those from which the operator lets the gateway fetch.
    """

    lacks: frozenset[Lack] = frozenset()
    profile: Profile | None = None
    hosts: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    watches_addresses: bool = False
    watches_files: bool = False


AS_ASKED = Terms()


def terms_of(target: Target, provider: Provider, hosts: Iterable[str] = ()) -> Terms:
    """What is in the house fetches nothing on a caller's word; a vendor's service has nothing near it to be afraid of.

    What the target says of its tools counts more than what is known of its kind.
    """
    lacks = set(KINDS[provider.kind].lacks_of(target.model, dict(provider.settings), target.api))
    named = dict(provider.settings).get("profile")
    profile = next((profile for name, profile in PROFILES.items() if name == named), None)
    if profile is not None and not profile.enforces_choice:
        lacks |= {"choice", "parallel"}
    told = target.shown.capabilities if target.shown is not None else None
    if told is not None and "tools" not in told:
        lacks.add("tools")
    if target.zone == "local":
        lacks.add("addresses")
    if target.tools:
        lacks = lacks | {"tools"} if target.tools == "words" else lacks - {"tools"}
    doubtful = frozenset({"tools"}) if lacks & _TOOLS else frozenset()
    # Ollama has no word for addresses in its own API.
    watches = "addresses" in lacks and provider.dialect != "ollama"
    files = provider.dialect == "openai_chat" and "documents" not in target.abilities | KINDS[provider.kind].abilities
    terms = Terms(frozenset(lacks), profile, frozenset(hosts), doubtful, watches, files)
    return AS_ASKED if not doubtful and not watches and terms == Terms(hosts=terms.hosts) else terms


def may_pass(question: Question, terms: Terms) -> bool:
    """Whether a request of the target's own dialect can go on as it is."""
    names_address = terms.watches_addresses and _may_name_address(question)
    if terms.watches_files and _has_file(question):
        # Text in it can be told; what else there is made the request one for other targets.
        return False
    if not names_address and not terms.doubtful & question.glance.features:
        return True
    chat = question.chat
    if isinstance(chat, Failure):
        # What can't be read can't be looked through for addresses. All else the target may judge.
        return not names_address
    if names_address and (question.has_fetched or any(addresses(chat)) or _says_twice(question)):
        # Of a key given twice we have read one value, and its server may read the other.
        return False
    return not (chat.tools and _must_be_made_up_for(chat, terms.lacks))


def unfetched(chat: ChatRequest, terms: Terms) -> Failure | None:
    """Why the request must not go out: it still names by an address what is not fetched there."""
    if "addresses" not in terms.lacks or not any(addresses(chat)):
        return None
    refusal = refusal_of_remote(chat, terms.hosts)
    return refusal or Failure(FailureKind.UNSUPPORTED, "what has an address has not been fetched", param="messages")


def _may_name_address(question: Question) -> bool:
    fields = question.envelope.fields
    return any(_ADDRESS.search(fields[name]) is not None for name in _SAID_IN if name in fields)


def _says_twice(question: Question) -> bool:
    fields = question.envelope.fields
    return any(says_twice(fields[name]) for name in _SAID_IN if name in fields)


def _has_file(question: Question) -> bool:
    fields = question.envelope.fields
    return any(_FILE.search(fields[name]) is not None for name in _SAID_IN if name in fields)


def _must_be_made_up_for(chat: ChatRequest, lacks: frozenset[Lack]) -> bool:
    choice = chat.tool_choice
    if "tools" in lacks:
        return choice is None or choice.mode != "none"
    is_forced = choice is not None and choice.mode == "required" and "choice" in lacks
    return is_forced or (chat.parallel_tool_calls is False and "parallel" in lacks)
