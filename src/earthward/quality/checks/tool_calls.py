"""Tool calls with other names or other arguments than the baseline's. Their order, and how JSON is spaced, is free."""

from collections import Counter

import msgspec

from earthward.quality.case import GOOD, NOT_APPLICABLE, Call, Case, Found, Said, bad


def check(case: Case) -> Found:
    if not (case.baseline.calls or case.candidate.calls):
        return NOT_APPLICABLE
    for call in case.candidate.calls:
        if _arguments(call) is None:
            return bad(f"the arguments of {call.name} are no JSON object")
    wanted, made = _names(case.baseline), _names(case.candidate)
    if wanted != made:
        return bad(f"it calls {_listed(made)} where the baseline calls {_listed(wanted)}")
    if Counter(map(_plain, case.baseline.calls)) != Counter(map(_plain, case.candidate.calls)):
        return bad(f"it calls {_listed(made)} with other arguments")
    return GOOD


def _names(said: Said) -> Counter[str]:
    return Counter(call.name for call in said.calls)


def _listed(names: Counter[str]) -> str:
    return ", ".join(sorted(names.elements())) or "nothing"


def _plain(call: Call) -> tuple[str, bytes]:
    arguments = _arguments(call)
    written = call.arguments.encode(errors="replace") if arguments is None else arguments
    return call.name, written


def _arguments(call: Call) -> bytes | None:
    """In one way of writing; None where they are no JSON object. No arguments may be written as nothing."""
    try:
        decoded = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    return msgspec.json.encode(decoded, order="sorted") if isinstance(decoded, dict) else None
