"""What is told of a rollout to people who are elsewhere: which entries of its history, and in which words.

Pure. Nothing of what users sent or got is in a history, so nothing of it is in a notice.
"""

from datetime import UTC, datetime
from typing import Any, Literal, get_args

import msgspec

from earthward.rollout.event import WHOLE
from earthward.rollout.state import Finding, Transition

Told = Literal[
    "started",
    "stage passed",
    "promoted",
    "completed",
    "paused",
    "judge down",
    "resumed",
    "rolled back",
    "aborted",
    "undone",
    "drill failed",
    "drill works",
]
TOLD: tuple[Told, ...] = get_args(Told)
"""The other entries are for those who read the history."""

TRIAL = "test"
LONGEST_WORDS = 500
SIGNS = {"rolled back": "🔴", "aborted": "🔴", "paused": "🟡", "judge down": "🟡", "drill failed": "🔴", TRIAL: "🔵"}
FINE = "🟢"


class Notice(msgspec.Struct, frozen=True):
    """`id` names this entry of this history and no other, so that whoever is told twice can know."""

    id: str
    event: str
    route: str
    plan: str
    t: float
    place: str
    share: int
    by: str
    why: str
    evidence: tuple[Finding, ...] = ()

    def body(self) -> dict[str, Any]:
        """What a webhook gets."""
        return {
            "id": self.id,
            "event": self.event,
            "text": self.text(),
            "route": self.route,
            "plan": self.plan,
            "at": datetime.fromtimestamp(self.t, UTC).isoformat(timespec="seconds"),
            "place": self.place,
            "share": self.share / WHOLE,
            "by": self.by,
            "why": self.why,
            "evidence": [_evidence(it) for it in self.evidence],
        }

    def slack(self) -> dict[str, Any]:
        """What Slack, Mattermost, Rocket.Chat and Discord (at its `/slack` address) take."""
        return {"text": f"{SIGNS.get(self.event, FINE)} {_escaped(self.text())}"}

    def text(self) -> str:
        if self.event == TRIAL:
            return self.why
        if self.event in ("drill failed", "drill works"):
            return f"{self.event} on {self.route}. {self.why}".capitalize()
        by = f" ({self.by})" if self.by else ""
        return f"Rollout of {self.route}: {self.event}, now {self.place} at {self.share / 100:g}%{by}. {self.why}"


def notice(route: str, number: int, entry: Transition, plan: str = "") -> Notice | None:
    """What is told of this entry, the `number`th from 0; None where nothing is."""
    if entry.event not in TOLD:
        return None
    words = _cut(entry.by), _cut(entry.why)
    name = f"{route}/{entry.epoch}/{number}/{round(entry.t * 1000)}"
    return Notice(name, entry.event, route, plan, entry.t, entry.after, entry.share, *words, entry.evidence)


def trial(now: float) -> Notice:
    """For trying out whether somebody listens."""
    why = "This is a test of Earthward's notifications; nothing has happened."
    return Notice(f"test/{round(now * 1000)}", TRIAL, "", "", now, "", 0, "earthward", why)


def _evidence(it: Finding) -> dict[str, Any]:
    counts = ("candidate", "candidate_bad", "baseline", "baseline_bad")
    return {"metric": it.metric, "verdict": it.verdict, **{name: getattr(it, name) for name in counts}}


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST_WORDS else words[: LONGEST_WORDS - 1] + "…"


def _escaped(text: str) -> str:
    """Slack reads these three as markup, `<!channel>` among others."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
