"""An answer that is much shorter or much longer than the baseline's."""

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, bad

FEWEST = 80
"""Characters of the baseline. Between `Yes.` and `Yes, it is.` a ratio says nothing."""

MOST = 4.0


def check(case: Case) -> Found:
    expected, found = len(case.baseline.text.strip()), len(case.candidate.text.strip())
    if expected < FEWEST or case.candidate.calls or not found:
        return NOT_APPLICABLE
    if found * MOST < expected:
        return bad(f"it has {found} characters where the baseline has {expected}")
    if found > expected * MOST:
        return bad(f"it has {found} characters where the baseline has only {expected}")
    return GOOD
