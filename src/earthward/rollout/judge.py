"""The decision: facts of the moment in, a move or a reason to wait out. Knows no time but what it is told."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from earthward.rollout.evidence import Verdict
from earthward.rollout.plan import Gate, Stage
from earthward.rollout.state import PauseReason

Action = Literal["stay", "pause", "promote", "roll back"]

PASSES_BY_ITSELF: tuple[PauseReason | None, ...] = (None, "inconclusive", "no data", "error")
"""Nobody has to resume a rollout that was paused for want of evidence, once the evidence is there."""


WAITING: dict[PauseReason, str] = {
    "manual": "paused by hand, until `resume`",
    "approval": "all gates have passed; `promote` approves",
    "split": "units do not come to the arms as their share says; find out why, then `resume`",
    "judge down": "the judge can't be reached",
    "budget": "there is no money left to judge with",
}
"""What is said of a pause that nothing but its own end ends."""


class Facts(NamedTuple):
    """`elapsed` seconds in the stage, `waited` seconds since it began or was resumed: for words only.

    Whether it is still held, and whether time is out, is told by deadlines, since differences of times are rounded.
    """

    stage: Stage
    gates: tuple[Gate, ...]
    verdicts: Mapping[str, Verdict]
    requests: int
    elapsed: float
    waited: float
    is_held: bool = False
    is_out_of_time: bool = False
    is_split_off: bool = False
    paused: PauseReason | None = None


class Move(NamedTuple):
    action: Action
    why: str
    reason: PauseReason | None = None


def judged(facts: Facts) -> Move:
    """What to do now. A rollback waits for nothing; a promotion for everything."""
    if facts.paused == "frozen":
        return Move("stay", "frozen: nothing moves until somebody resumes it")
    failed = [gate.metric for gate in facts.gates if _has_failed(facts, gate, "guardrail")]
    if failed:
        return Move("roll back", f"the candidate is worse: {', '.join(failed)}")
    if facts.is_split_off and facts.paused in (*PASSES_BY_ITSELF, "approval"):
        return Move("pause", WAITING["split"], "split")
    if facts.paused not in PASSES_BY_ITSELF:
        return Move("stay", _why_paused(facts.paused))
    waits = reasons_to_wait(facts)
    if not waits:
        if facts.stage.approval:
            return Move("pause", WAITING["approval"], "approval")
        return Move("promote", _why_promoted(facts))
    if facts.is_out_of_time and facts.paused is None:
        return _out_of_time(facts, waits)
    return Move("stay", "; ".join(waits))


def _why_paused(reason: PauseReason | None) -> str:
    return WAITING.get(reason, f"paused ({reason})") if reason else "paused"


def reasons_to_wait(facts: Facts) -> list[str]:
    stage, verdicts = facts.stage, facts.verdicts
    waits = [f"{name}: {verdicts[name]}" for name in stage.gates if verdicts[name] != "pass"]
    signals = [gate.metric for gate in facts.gates if _has_failed(facts, gate, "signal")]
    waits += [f"{name}: fail (signal)" for name in signals if name not in stage.gates]
    if facts.requests < stage.min_requests:
        waits.append(f"{facts.requests} of {stage.min_requests} requests")
    if facts.is_held:
        waits.append(f"held for {span(stage.hold - facts.elapsed)} more")
    return waits


def _has_failed(facts: Facts, gate: Gate, role: str) -> bool:
    return gate.role == role and facts.verdicts[gate.metric] == "fail"


def _why_promoted(facts: Facts) -> str:
    gates = f"{', '.join(facts.stage.gates)} passed" if facts.stage.gates else "no gate failed"
    return f"{gates} after {facts.requests} requests and {span(facts.elapsed)}"


def _out_of_time(facts: Facts, waits: list[str]) -> Move:
    why = f"no decision after {span(facts.waited)}: {'; '.join(waits)}"
    if facts.stage.on_timeout == "rollback":
        return Move("roll back", why)
    verdicts = {facts.verdicts[name] for name in facts.stage.gates}
    reason: PauseReason = "error" if "error" in verdicts else "no data" if "no data" in verdicts else "inconclusive"
    return Move("pause", why, reason)


def span(seconds: float) -> str:
    """As people say it: 90 s, 15 min, 3.5 h, 7 d."""
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
