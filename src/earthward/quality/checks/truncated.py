"""An answer that was cut off where the baseline's was not: by a limit, or in the middle of a sentence."""

import re

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, Said, bad

FEWEST = 80
"""Characters of the baseline, below which no answer need be a sentence."""

SHORTEST = 20
"""Characters of the answer itself, below which it may be all that was asked for: `42`, `yes`, a name."""

SHORTER = 2.0
"""How much shorter it must be as well: many a good answer ends without a full stop."""

_END = re.compile(r"[.!?…:;\u3002\uff01\uff1f)\]}>\"'”’»`*_|]\s*$")


def check(case: Case) -> Found:
    if case.baseline.finish == "length":
        return NOT_APPLICABLE
    if case.candidate.finish == "length":
        return bad("it was cut off by the limit of tokens, and the baseline was not")
    return bad("it ends in the middle of a sentence") if _breaks_off(case.candidate, case.baseline) else GOOD


def _breaks_off(said: Said, other: Said) -> bool:
    text, whole = said.text.strip(), other.text.strip()
    if said.calls or len(whole) < FEWEST or len(text) < SHORTEST or len(text) * SHORTER > len(whole):
        return False
    return not _END.search(text) and bool(_END.search(whole))
