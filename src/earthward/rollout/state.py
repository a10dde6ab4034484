"""All that a rollout is at one moment. Written down and read back whole, it goes on as if nothing had happened."""

from typing import Literal

import msgspec

from earthward.rollout.evidence import Evidence, Split, Verdict, even_split
from earthward.rollout.metrics import Role
from earthward.rollout.plan import Plan, Stage, percent
from earthward.rollout.weights import Weights

Phase = Literal["pending", "shadow", "stage", "promoted", "bake", "completed", "rolled back", "aborted"]
PauseReason = Literal[
    "manual", "frozen", "approval", "inconclusive", "no data", "error", "split", "judge down", "budget"
]

Happening = Literal[
    "noted",
    "started",
    "stage passed",
    "promoted",
    "baking",
    "completed",
    "paused",
    "judge down",
    "resumed",
    "rolled back",
    "aborted",
    "undone",
]
"""What an entry of a history tells. `judge down` is a pause too."""

UNDER_WAY: tuple[Phase, ...] = ("shadow", "stage", "bake")
PAUSES: tuple[PauseReason, ...] = ("manual", "judge down", "budget")
"""For which somebody, or the control process, may pause it; the others are the controller's own."""


class Subject(msgspec.Struct, frozen=True):
    """What is being tried, by digests. Evidence about one subject says nothing of another.

    `model` is both arms', `candidate` that arm's alone; empty is not known.
    """

    model: str = ""
    prompt: str = ""
    judge: str = ""
    candidate: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where a rollout stands; `stage` counts from 0."""

    phase: Phase
    stage: int = 0


class Finding(msgspec.Struct, frozen=True):
    """What the evidence of one metric was when something was decided, with what it would take to decide.

    `e_worse` and `e_good` are fortunes; each test ends at its `enough`, which is 1/α. `limit` and `expected_s`, the
    expected time to a pass, are in seconds. None is unknown.
    """

    metric: str
    role: Role
    verdict: Verdict
    baseline: int
    candidate: int
    baseline_bad: int
    candidate_bad: int
    e_worse: float
    enough_worse: float
    e_good: float
    enough_good: float
    ratio: float | None = None
    mean: float | None = None
    baseline_mean: float | None = None
    limit: float | None = None
    expected_s: float | None = None


class Transition(msgspec.Struct, frozen=True):
    """One entry of a rollout's history. `share` is the candidate's from now on, `requests` what it had in the stage.

    `event` is "noted" in histories that are older than the field.
    """

    t: float
    before: str
    after: str
    share: int
    shadow: int
    epoch: int
    requests: int
    by: str
    why: str
    plan: str
    evidence: tuple[Finding, ...] = ()
    event: Happening = "noted"


class State(msgspec.Struct):
    """Times are seconds, as events have them. `since` is when the stage began, `patient_since` when waiting did.

    `began` is when the epoch did; `weights` and `judge_weights` are what hosts have told of the models since.
    `requests` and `baseline_requests` are those of the stage, `exposed` the candidate's of the whole epoch, shadows not
    counted. `history_length` is how many transitions there were.
    """

    plan: Plan
    place: Place = Place("pending")
    paused: PauseReason | None = None
    why: str = "not started"
    epoch: int = 0
    now: float = float("-inf")
    began: float = float("-inf")
    since: float = 0.0
    patient_since: float = 0.0
    due: float = float("inf")
    cooled_at: float = float("-inf")
    requests: int = 0
    baseline_requests: int = 0
    exposed: int = 0
    evidence: dict[str, Evidence] = {}
    split: Split = msgspec.field(default_factory=even_split)
    is_split_off: bool = False
    would: set[str] = set()
    before: Place | None = None
    moved_at: float = float("-inf")
    subject: Subject = Subject()
    weights: Weights = {}
    judge_weights: Weights = {}
    history_length: int = 0

    @property
    def is_under_way(self) -> bool:
        return self.place.phase in UNDER_WAY

    @property
    def stage(self) -> Stage | None:
        """The stage it is in, if it is under way."""
        match self.place.phase:
            case "shadow" | "stage":
                return self.plan.stages[self.place.stage]
            case "bake":
                return self.plan.bake
        return None

    @property
    def share(self) -> int:
        """The candidate's share of what users send."""
        stage = self.stage
        if stage is not None:
            return 0 if stage.is_shadow else stage.share
        ends = {"promoted": self.plan.bake.share, "completed": self.plan.goal}
        return ends.get(self.place.phase, 0)

    @property
    def shadow(self) -> int:
        """The share that is also sent to the candidate, without anybody waiting for its answer."""
        stage = self.stage
        return stage.share if stage is not None and stage.is_shadow else 0


def described(place: Place, plan: Plan, paused: PauseReason | None) -> str:
    """As in `stage 25%, paused (manual)`."""
    names = {"shadow": "", "stage": "stage "}
    inside = place.phase in names
    text = names.get(place.phase, "") + plan.stages[place.stage].name if inside else str(place.phase)
    if place.phase == "bake":
        text = f"bake {percent(plan.bake.share)}"
    return f"{text}, paused ({paused})" if paused else text
