"""Whether a prompt fits into a target's context: by an estimate, and by the engine's own count where that is close.

Engines with a tokenizer on the network are asked before they are passed over for what may only be a bad estimate, or
tried in vain. What is far from the limit costs nothing. Nothing is counted where it may not be answered.
"""

import time
from typing import TYPE_CHECKING

from earthward.chat import Failure
from earthward.fleet.call import OK, Gathered, HostFailed, call
from earthward.gateway.counting import counting, read_count
from earthward.gateway.doors.door import Question
from earthward.routing.context import is_close

if TYPE_CHECKING:
    from earthward.gateway.serving import ServingTarget

TIMEOUT = 1.0
"""Seconds that a count may take; then the estimate holds."""
REST = 60.0
"""Seconds for which one that could not count is not asked again."""
ENGINES = frozenset({"embedded", "openai_compatible"})
CHATS = frozenset({"chat", "generate"})


def is_worth_a_count(question: Question, target: "ServingTarget", estimate: int, context: int | None) -> bool:
    """Whether the estimate is too close to the limit to go by, and the target can do better."""
    provider = target.provider
    return (
        context is not None
        and is_close(estimate, context)
        and provider.kind in ENGINES
        and target.can("count")
        and question.door.operation in CHATS
        and not target.takes_callers_key
        and time.monotonic() >= provider.counts_again
    )


async def exact_count(question: Question, target: "ServingTarget") -> int | None:
    """How many tokens the prompt has by the target's engine; None where it does not tell."""
    provider = target.provider
    written = counting(question, target).request()
    if isinstance(written, Failure):
        return None
    found = await _asked(target, written.body)
    if found is None:
        provider.counts_again = time.monotonic() + REST
    return found


async def _asked(target: "ServingTarget", body: bytes) -> int | None:
    provider, gathered = target.provider, Gathered()
    place = provider.balancing.some_place()
    _, credential = provider.credentials.current(time.monotonic())
    head = b"%b%bcontent-length: %d\r\n\r\n" % (target.count_head(place), credential, len(body))
    try:
        await call(provider.endpoints[place].pool, head + body, gathered, TIMEOUT)
    except HostFailed:
        return None
    if gathered.status != OK:
        return None
    found = read_count(target, bytes(gathered.body))
    return None if isinstance(found, Failure) else found
