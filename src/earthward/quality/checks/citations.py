"""Links that are neither in the prompt nor in the baseline's answer, and so probably invented."""

import re

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, bad

MOST_TOLD = 3
LONGEST_TOLD = 80

_LINK = re.compile(r"https?://[^\s<>\"'`\])}]+", re.IGNORECASE)


def check(case: Case) -> Found:
    cited = links(case.candidate.text)
    if not cited:
        return NOT_APPLICABLE
    invented = sorted(cited - links(case.prompt) - links(case.baseline.text))
    if not invented:
        return GOOD
    return bad(f"it cites {', '.join(link[:LONGEST_TOLD] for link in invented[:MOST_TOLD])}, which nothing else does")


def links(text: str) -> set[str]:
    return {found.rstrip(".,;:!?").rstrip("/").lower() for found in _LINK.findall(text)}
