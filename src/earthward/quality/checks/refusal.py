"""A refusal where the baseline answered: told by its place in the protocol, or by how refusals begin."""

import re

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, Said, bad

BEGINNING = 200
"""Characters. Who refuses, says so at once; later on, the same words are part of an answer."""

_REFUSES = re.compile(
    r"""
    \bI(?:['’]m|\ am)\ (?:very\ |so\ |truly\ )?(?:sorry|afraid|unable|not\ able)\b
    | \bI\ (?:can(?:no|['’])t|won['’]t|will\ not|must\ decline)\b
    | \bas\ an?\ AI\b
    | \b(?:ich\ kann|dabei\ kann\ ich)\b[^.]{0,60}\bnicht\b | \btut\ mir\ leid\b | \bes\ tut\ mir\ leid\b
    | \bje\ ne\ (?:peux|suis)\ pas\b | \bje\ suis\ désolée?\b
    | \blo\ siento\b | \bno\ puedo\b
    | \bmi\ dispiace\b | \bnon\ posso\b
    | \bsinto\ muito\b | \bnão\ posso\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def check(case: Case) -> Found:
    if refuses(case.baseline):
        return NOT_APPLICABLE
    return bad("it refuses, and the baseline answered") if refuses(case.candidate) else GOOD


def refuses(said: Said) -> bool:
    if said.refusal:
        return True
    return not said.calls and _REFUSES.search(said.text[:BEGINNING]) is not None
