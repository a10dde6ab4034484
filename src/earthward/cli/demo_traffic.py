"""The demo's traffic: many small conversations, of each application by turns, and what became of their requests."""

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple, Protocol

import msgspec

from earthward.cli.demo_applications import Answer, Conversation
from earthward.cli.demo_stage import LOCAL

THREADS = 4
MOST_OPENED = 200
"""More openings would not change it: at a quarter, one conversation of 200 is on the candidate for certain."""


class Application(Protocol):
    def ask(self, conversation: Conversation) -> Answer: ...


class Phase(msgspec.Struct):
    """What became of the requests of one phase, as the applications saw it.

    `candidate` counts those of conversations on the candidate, whoever served them; each request is counted once in
    `cloud`, `local`, `rescued` or `lost`. `why` is what the first one that was lost ended with.
    """

    name: str
    requests: int = 0
    candidate: int = 0
    cloud: int = 0
    local: int = 0
    rescued: int = 0
    lost: int = 0
    why: str = ""

    def add(self, answer: Answer) -> None:
        is_candidate = answer.arm == "candidate"
        self.requests += 1
        self.candidate += is_candidate
        if answer.lost:
            self.lost += 1
            self.why = self.why or answer.lost
        elif answer.target == LOCAL:
            self.local += 1
        elif is_candidate:
            self.rescued += 1
        else:
            self.cloud += 1


class Thread(NamedTuple):
    """A conversation, and the number of the application whose it is."""

    application: int
    conversation: Conversation


class Traffic:
    """Conversations that are opened and go on, a few at a time. Answers are told as they come."""

    def __init__(self, *applications: Application) -> None:
        self._applications = applications
        self._opened = 0
        self._arms: dict[tuple[str, int], list[Thread]] = {
            (arm, number): [] for arm in ("candidate", "baseline") for number in range(len(applications))
        }

    def open(self, count: int) -> Iterator[Answer]:
        """The first turns of new conversations, of each application by turns.

        More than `count` only until every application has one on the candidate.
        """
        yield from self._open(number % len(self._applications) for number in range(count))
        while (lacking := self._without_candidate()) and self._opened < count + MOST_OPENED:
            yield from self._open(lacking)

    def go_on(self, count: int) -> Iterator[Answer]:
        """The next turns of so many conversations, of all arms and applications by turns while there are any."""
        rounds = itertools.zip_longest(*self._arms.values())
        known = (thread for one_each in rounds for thread in one_each if thread is not None)
        for _, answer in self._ask(itertools.islice(known, count)):
            yield answer

    def _without_candidate(self) -> list[int]:
        """The applications that are answered, but never by way of the candidate."""
        return [
            number
            for number in range(len(self._applications))
            if self._arms["baseline", number] and not self._arms["candidate", number]
        ]

    def _open(self, applications: Iterable[int]) -> Iterator[Answer]:
        threads = []
        for number in applications:
            self._opened += 1
            threads.append(Thread(number, Conversation(self._opened)))
        for thread, answer in self._ask(threads):
            self._arms.setdefault((answer.arm, thread.application), []).append(thread)
            yield answer

    def _ask(self, threads: Iterable[Thread]) -> Iterator[tuple[Thread, Answer]]:
        pool = ThreadPoolExecutor(THREADS)
        try:
            asked = {
                pool.submit(self._applications[thread.application].ask, thread.conversation): thread
                for thread in threads
            }
            for answered in as_completed(asked):
                yield asked[answered], answered.result()
        finally:
            # Not waited for: what is still under way ends with the gateway.
            pool.shutdown(wait=False, cancel_futures=True)
