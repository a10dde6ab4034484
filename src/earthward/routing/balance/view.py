"""What a policy is told of each endpoint, and what it answers. Plain values, wherever they come from."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Out = Literal["", "ejected", "draining", "down", "lacks the model"]


class Resident(msgspec.Struct, frozen=True, array_like=True):
    """A model as a host holds it: the context that was allocated for it in tokens (0: not told), bytes in all, and
    bytes in video memory."""

    model: str
    context: int = 0
    size: int = 0
    size_vram: int = 0

    @property
    def spill(self) -> float:
        """The share that found no room in video memory and is computed by the CPU, 0 to 1."""
        return 1 - self.size_vram / self.size if 0 <= self.size_vram < self.size else 0.0


def suffices(context: int, wanted: int, most: int) -> bool:
    """Whether a model that is loaded with so much context serves who wants so much, without a load.

    It does with more as well, up to `most`: a host that somebody else gave more than anybody here asks for is loaded
    anew, once. 0 is not known, or whatever there is.
    """
    return not context or not wanted or wanted <= context <= max(most, wanted)


class Endpoint(msgspec.Struct, frozen=True):
    """One endpoint at this moment, for one request.

    `in_flight` counts requests over all workers; `slots` is how many it answers at a time, 0 if nobody said. `first`
    is how long it lately took to the first content of a loaded model, `peak` the same with an eye on the worst of it,
    `whole` how long a request holds a slot, all in seconds and 0 if not known. `failing` is the share of late
    failures. `ramp` is how much of its share it should get while it comes back, up to 1. One that `is_on_trial` was out
    and gets one request, by which it is judged.

    What follows is about hosts that load models: nothing of it counts unless `is_known`. `loading` is for how many
    more seconds the model asked for is being loaded, None if it is not; `blocked` for how many others are. `load` is
    how long a load of it takes; `room` how many models the host holds at most, if that was ever seen, and `held` how
    many it holds.
    """

    place: int
    in_flight: int = 0
    slots: int = 0
    first: float = 0.0
    peak: float = 0.0
    whole: float = 0.0
    failing: float = 0.0
    ramp: float = 1.0
    out: Out = ""
    is_on_trial: bool = False
    is_known: bool = False
    resident: Resident | None = None
    loading: float | None = None
    blocked: float = 0.0
    load: float = 0.0
    held: int = 0
    room: int | None = None

    @property
    def is_full(self) -> bool:
        return 0 < self.slots <= self.in_flight


class Ask(msgspec.Struct, frozen=True):
    """What a request needs: the context its model is loaded with, in tokens (0: whatever there is), and the `most` that
    is as good; the places that its conversation prefers, first first; how long its prompt takes to read where it was
    never read, in seconds.

    `queued` is how many wait for the same model before it; `count` how many endpoints there are, looked at or not.
    `turn` counts requests; `draw` is a number drawn from [0, 1). Reasons are put in words only where `explain` asks.
    """

    context: int = 0
    affinity: tuple[int, ...] = ()
    reading: float = 0.0
    queued: int = 0
    count: int = 0
    turn: int = 0
    draw: float = 0.0
    explain: bool = False
    most: int = 0


class Choice(msgspec.Struct, frozen=True, array_like=True):
    """An endpoint by its place, with a score, of which less is better, and the reason in words, if it was asked for."""

    place: int
    score: float
    reason: str


class Policy(Protocol):
    """Puts endpoints in order, best first. All of them are in the answer, those that are out are not asked about."""

    def __call__(self, endpoints: Sequence[Endpoint], ask: Ask, /) -> list[Choice]: ...


def in_order(choices: list[Choice]) -> list[Choice]:
    return sorted(choices, key=_score)


def _score(choice: Choice) -> tuple[float, int]:
    return choice.score, choice.place
