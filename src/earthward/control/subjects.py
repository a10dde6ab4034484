"""What a rollout tries, in so far as evidence about anything else says nothing of it."""

import hashlib

from earthward.config.snapshot import Route, Snapshot
from earthward.control.judging import judge_digest
from earthward.rollout.state import Subject


def subject(route: Route, snapshot: Snapshot) -> Subject:
    """What is being tried, in place of what: evidence about other models says nothing of these."""
    targets = {target.name: f"{target.provider}\0{target.model}" for target in snapshot.targets}
    both = [name for name in (route.baseline, route.candidate) if name in targets]
    arms = [targets[name] for name in both]
    tools = {target.name: target.tools or "" for target in snapshot.targets}
    candidate = _digest(targets.get(route.candidate or "", ""))
    # How a model is told of tools is the only part of a prompt that is ours.
    prompt = _digest("\0".join(tools[name] for name in both)) if any(tools[name] for name in both) else ""
    return Subject(_digest("\0".join(arms)), prompt, judge_digest(route, snapshot), candidate)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
