"""The table every fault enters itself in, by name."""

from collections.abc import Callable, Iterator

import msgspec

from earthward.simulator.steps import Answer, Step

Rewrite = Callable[[Answer], Iterator[Step]]


class Fault(msgspec.Struct, frozen=True):
    """`about` says what a client meets. A fault that a whole or a streamed answer cannot have leaves it as it is."""

    name: str
    about: str
    rewrite: Rewrite
    whole: bool = True
    streamed: bool = True

    def steps(self, answer: Answer) -> Iterator[Step]:
        strikes = self.streamed if answer.stream else self.whole
        return self.rewrite(answer) if strikes else answer.steps()


FAULTS: dict[str, Fault] = {}


def fault(name: str, about: str, *, whole: bool = True, streamed: bool = True) -> Callable[[Rewrite], Rewrite]:
    """Enters a function in the table: from the honest answer it makes the steps of the spoilt one."""

    def enter(rewrite: Rewrite) -> Rewrite:
        if name in FAULTS:
            raise ValueError(f"there is a fault {name!r} already")
        FAULTS[name] = Fault(name, about, rewrite, whole, streamed)
        return rewrite

    return enter
