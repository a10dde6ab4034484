"""The pages that simulated answers rest on: all of the text on each of them."""

import msgspec

from earthward.simulator.draft import Choice, Draft


class Page(msgspec.Struct, frozen=True):
    url: str
    title: str


def pages(draft: Draft, choice: Choice) -> list[Page]:
    """Of one answer; calls and refusals rest on nothing."""
    if choice.calls or choice.refusal is not None or not choice.pieces:
        return []
    return [Page(f"https://example.com/{number}", f"Page {number}") for number in range(1, draft.cited + 1)]
