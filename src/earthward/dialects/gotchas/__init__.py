"""What breaks in requests, answers, errors, counts and vectors when applications move to Ollama: a page's data.

Each has its number, what people meet, what the gateway does about it, and the tests that show it, parted by spaces;
without a test it is not handled, and the text says why.
"""

from earthward.dialects.gotchas import answers, clients, contexts, counts, messages, tools

GOTCHAS = tuple(
    sorted(
        (
            *contexts.GOTCHAS,
            *tools.GOTCHAS,
            *messages.GOTCHAS,
            *answers.GOTCHAS,
            *counts.GOTCHAS,
            *clients.GOTCHAS,
        )
    )
)
