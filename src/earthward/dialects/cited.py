"""What a conversation says of where its texts are from, and which of that a dialect can't say.

Only what the model said is ever sent with it: what others said rests on nothing that they were given.
"""

from collections.abc import Callable, Iterable

from earthward.chat import Citation, Document, Message, Part, Role, Text, ToolResult

NAME = "messages.citations"


def nothing_is_sent(citation: Citation) -> bool:
    """For dialects whose conversations have no place for it."""
    return False


def lost_citations(
    messages: Iterable[Message],
    is_sent: Callable[[Citation], bool] = nothing_is_sent,
    asks_for_them: bool = False,
) -> list[str]:
    """The name of what is lost, if anything is. `asks_for_them` is whether documents can be sent to be cited."""
    for message in messages:
        sent = is_sent if message.role is Role.ASSISTANT else nothing_is_sent
        for part in message.parts:
            if _is_lost(part, sent, asks_for_them):
                return [NAME]
    return []


def _is_lost(part: Part, is_sent: Callable[[Citation], bool], asks_for_them: bool) -> bool:
    if type(part) is Text:
        return bool(part.citations) and not all(map(is_sent, part.citations))
    if type(part) is Document:
        return part.cited and not asks_for_them
    if type(part) is ToolResult:
        return any(_is_lost(inner, nothing_is_sent, asks_for_them) for inner in part.content)
    return False
