"""An answer with nothing in it, where the baseline had something to say."""

from earthward.quality.case import GOOD, Case, Found, Said, bad


def check(case: Case) -> Found:
    return bad("the answer is empty") if is_empty(case.candidate) and not is_empty(case.baseline) else GOOD


def is_empty(said: Said) -> bool:
    return not (said.text.strip() or said.calls or said.refusal)
