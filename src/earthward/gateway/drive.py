"""Runs a coroutine without a task: at once as far as it gets, then on from whatever wakes it, in the same call stack.

A task would put two turns of the loop into every exchange, one before it begins and one before it hears of its answer.
What is driven may await a `Told` or a future; what needs a task of its own (timeouts do) is awaited as a task.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class Awaited(Protocol):
    """What a driven coroutine may wait for: it calls back, once, with itself."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> Any: ...


class Told(Generic[T]):
    """Something that will be told. The first word counts, and whoever waits for it goes on before `tell` returns."""

    __slots__ = ("_value", "_wake", "is_told")

    _value: T

    def __init__(self) -> None:
        self.is_told = False
        self._wake: Callable[[Any], object] | None = None

    def tell(self, value: T) -> None:
        if self.is_told:
            return
        self.is_told = True
        self._value = value
        wake, self._wake = self._wake, None
        if wake is not None:
            wake(self)

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None:
        self._wake = fn

    def __await__(self) -> Any:
        if not self.is_told:
            yield self
        return self._value


def drive(coroutine: Coroutine[Awaited, None, None]) -> None:
    """Runs it to its end, or to where it waits; what wakes it then runs it on. It must raise nothing."""
    _Driven(coroutine).go_on()


class _Driven:
    # Not a function within `drive`: one that names itself is a cycle, and leaves each exchange to the collector.
    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: Coroutine[Awaited, None, None]) -> None:
        self._coroutine = coroutine

    def go_on(self, _: object = None) -> None:
        try:
            awaited = self._coroutine.send(None)
        except StopIteration:
            return
        awaited.add_done_callback(self.go_on)
