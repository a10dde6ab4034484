"""What checks alone can say of two answers to the same request, before anybody has to be asked.

Each check looks at both arms in turn, so that equal arms fare equally: what one is blamed for, the other would be too.
"""

import msgspec

from earthward.quality.case import Case
from earthward.quality.checks import checked, metrics_of

DECISIVE = ("empty", "refusal", "truncated", "json_schema", "tool_use", "code")
"""An answer that fails one of these, where the other passes all, is the worse one: no judge need be asked. The other
checks tell how answers differ, and either way may be right."""


class Compared(msgspec.Struct, frozen=True):
    """`bad_*` are the checks that an arm fails; `whys` what is wrong with the candidate's; `score` the candidate's,
    where checks decide. The rollout's metrics that were looked at, and those that are bad, stand beside."""

    bad_baseline: tuple[str, ...]
    bad_candidate: tuple[str, ...]
    whys: dict[str, str]
    score: float | None
    checked: tuple[str, ...]
    baseline_metrics: tuple[str, ...]
    candidate_metrics: tuple[str, ...]


def compared(case: Case) -> Compared:
    of_candidate, of_baseline = checked(case), checked(case.swapped)
    bad_candidate = tuple(name for name, found in of_candidate.items() if found.state == "bad")
    bad_baseline = tuple(name for name, found in of_baseline.items() if found.state == "bad")
    told, candidate_metrics = metrics_of(of_candidate)
    also_told, baseline_metrics = metrics_of(of_baseline)
    return Compared(
        bad_baseline,
        bad_candidate,
        {name: found.why for name, found in of_candidate.items() if found.state == "bad"},
        _score(bad_baseline, bad_candidate, are_same=case.baseline == case.candidate),
        tuple(dict.fromkeys((*told, *also_told))),
        baseline_metrics,
        candidate_metrics,
    )


def _score(baseline: tuple[str, ...], candidate: tuple[str, ...], *, are_same: bool) -> float | None:
    """The same words are a tie, whoever were to judge them."""
    if are_same:
        return 0.5
    fails = [any(name in DECISIVE for name in names) for names in (baseline, candidate)]
    if fails[0] == fails[1]:
        return None
    return 1.0 if fails[0] else 0.0
