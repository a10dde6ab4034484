"""Numbers that the baseline took over from the prompt, and the candidate did not."""

import re

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, bad

MOST_TOLD = 5
FEWEST_DIGITS = 2
"""A single digit is as often a count of sentences as a fact."""

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,'’ \u202f]\d{3})*(?:[.,]\d+)?(?![\w])")
_GROUPS = re.compile(r"(?<=\d)[.,'’ \u202f](?=\d{3}(?!\d))")


def check(case: Case) -> Found:
    facts = numbers(case.prompt) & numbers(case.baseline.text)
    if not facts:
        return NOT_APPLICABLE
    lost = sorted(facts - numbers(case.candidate.text))
    if not lost:
        return GOOD
    return bad(f"it leaves out {', '.join(lost[:MOST_TOLD])}{' and others' if len(lost) > MOST_TOLD else ''}")


def numbers(text: str) -> set[str]:
    """All numbers in one way of writing: 1,250.50, 1.250,50 and 1250.5 are the same."""
    return {_plain(found) for found in _NUMBER.findall(text) if sum(map(str.isdigit, found)) >= FEWEST_DIGITS}


def _plain(number: str) -> str:
    whole = _GROUPS.sub("", number).replace(",", ".")
    return whole.rstrip("0").rstrip(".") if "." in whole else whole
