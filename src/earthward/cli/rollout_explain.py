"""`earthward rollout explain`: in words, what each gate has seen, what a rollout waits for, and what comes then."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from earthward.rollout.judge import span

WHAT_NEXT = {
    "manual": "`resume` goes on",
    "frozen": "nothing moves, not even back, until `resume`",
    "approval": "`promote` goes on, `abort` ends it",
    "inconclusive": "it goes on by itself once the evidence is there; `promote` goes on without, `abort` ends it",
    "no data": "it goes on by itself once there is traffic to compare",
    "error": "it goes on by itself once the metric can be measured again",
    "split": "find out why units do not come as their share says, then `resume`",
    "judge down": "it goes on when the judge is back",
    "budget": "it goes on when there is money to judge with",
}
STREAMED = ("ttft", "token_time")
NO_VERDICT = "the judge could not be asked, or its words were no verdict, five times in a row; it is asked on"
FAILURES = ("error_rate", "fallback_rate")
ENDS = {
    "pending": "`start` begins it; until then all is on the baseline",
    "completed": "all is on the candidate; another `candidate` in the configuration begins anew, `abort` goes back",
    "rolled back": "all is on the baseline; `retry` begins anew with fresh evidence, after the cooldown",
    "aborted": "all is on the baseline; `retry` begins anew with fresh evidence",
}


def explained(it: dict[str, Any]) -> Iterator[str]:
    """Lines about what the admin API tells of one rollout."""
    yield f"{it['route']} stands at {it['place']}, by the plan {it['plan'] or '?'}, epoch {it['epoch']}."
    if it["problem"]:
        yield f"It stands still: {it['problem']}."
    yield f"Why: {it['why']}."
    yield from next_step(it)
    for name in it["stages"]["set_aside"]:
        yield f"Left out of its plan: {name}."
    yield from of_changes(it)
    yield from of_record(it)
    if it["evidence"]:
        yield ""
        why = unmeasured(it)
        for each in it["evidence"]:
            yield from _gate(each, why.get(each["metric"], ""))
    if it["history"]:
        yield ""
        yield from _last_move(it["history"], it["route"])


def of_changes(it: dict[str, Any]) -> Iterator[str]:
    """What of the plan was changed after the rollout had begun, and what that does; nothing where nothing was."""
    if it["plan_changes"]:
        since = datetime.fromtimestamp(it["plan_since"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        yield (
            f"Its plan was changed since it began at {since} UTC. Until the next `start` or `retry` the old one "
            "counts, and its gates are judged as before; from then on:"
        )
        for change in it["plan_changes"]:
            yield f"  {change}"


def of_record(it: dict[str, Any]) -> Iterator[str]:
    """Why what it is told can't be replayed later; nothing where it can."""
    if it["unrecorded"]:
        yield (
            f"Nothing more is put on record for `rollout events`: {it['unrecorded']}. It is led as before; a record "
            "begins with the next `start` or `retry`."
        )


def next_step(it: dict[str, Any]) -> Iterator[str]:
    """What comes next, and who or what brings it."""
    if it["paused"]:
        yield f"Next: {WHAT_NEXT.get(it['paused'], '`resume` goes on')}."
    elif it["phase"] in ENDS:
        yield f"Next: {ENDS[it['phase']]}."
    else:
        waits = [each["expected_s"] for each in it["evidence"] if each["verdict"] != "pass"]
        known = [seconds for seconds in waits if seconds is not None]
        if known and len(known) == len(waits):
            yield f"Next: on, in about {span(max(known))} if things go on as they have and nothing else holds it."
        elif waits:
            yield "Next: on, when all gates have passed; too little is known to say when."
        else:
            yield "Next: on, when nothing holds it any more; all gates have passed."


def unmeasured(it: dict[str, Any]) -> dict[str, str]:
    """Why gates can't be measured, by the names of their metrics."""
    failing = {each["metric"] for each in it["evidence"] if each["verdict"] == "error"}
    return {"quality": NO_VERDICT, **it["unmeasured"]} if "quality" in failing else it["unmeasured"]


def _gate(it: dict[str, Any], why: str) -> Iterator[str]:
    """One gate: what was seen, how near both of its tests are to their ends, and why it can't be measured."""
    yield f"{it['metric']} ({it['role']}): {it['verdict']}"
    if it["mean"] is not None:
        yield f"  {_means(it)}"
    else:
        yield f"  bad on the candidate {_part(it, 'candidate')}, on the baseline {_part(it, 'baseline')}{_ratio(it)}"
    if it["limit"] is not None:
        yield f"  bad is later than {it['limit']:.3g} s"
    worse, good = (_way(it[f"e_{test}"], it[f"enough_{test}"]) for test in ("worse", "good"))
    yield f"  shown to be worse {worse}; good enough {good}"
    if it["verdict"] in ("inconclusive", "no data"):
        when = "too little is known to say when" if it["expected_s"] is None else f"in about {span(it['expected_s'])}"
        yield f"  to be decided: {when}"
    if why:
        yield f"  can't be measured: {why}"
    if it["metric"] in STREAMED and it["verdict"] == "no data" and not it["candidate"] and not it["baseline"]:
        yield "  it measures streamed answers, and there was none; where callers do not stream, gate on `wait`"


def _means(it: dict[str, Any]) -> str:
    baseline = "" if it["baseline_mean"] is None else f", the baseline's {it['baseline_mean']:.4g}"
    return f"mean {it['mean']:.4g} of {it['candidate']:,}{baseline}"


def _part(it: dict[str, Any], arm: str) -> str:
    bad, of = it[f"{arm}_bad"], it[arm]
    return f"{bad:,} of {of:,}" + (f" ({bad / of:.2%})" if of else "")


def _ratio(it: dict[str, Any]) -> str:
    return "" if it["ratio"] is None else f": {it['ratio']:.3g} times as often"


def _way(fortune: float, enough: float) -> str:
    """A bet is over at `enough`; below 1 it has lost."""
    return f"{fortune:.3g} of {enough:.3g}"


def _last_move(history: list[dict[str, Any]], route: str) -> Iterator[str]:
    last = history[-1]
    yield f"Last: {last['before']} -> {last['after']}, by {last['by'] or '?'}: {last['why']}"
    for each in last["evidence"]:
        seen = f"{_part(each, 'candidate')} to {_part(each, 'baseline')}" if each["mean"] is None else _means(each)
        yield f"  {each['metric']}: {each['verdict']}, {seen}"
    if any(each["metric"] in FAILURES and each["verdict"] == "fail" for each in last["evidence"]):
        yield f"  see `earthward ledger tail --route {route} --arm candidate --failed`, and `earthward ledger show ID`"
