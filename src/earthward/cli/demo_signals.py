"""What would end this process at once ends it as an error does, so that all that was started is ended first.

Never in the middle of starting or ending something, which would leave it behind.
"""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """Somebody wants an end now. `status` is what a shell expects of that."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


class Signals:
    """Raises Ended in the main thread, while entered."""

    def __init__(self) -> None:
        self._is_held = False
        self._held: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._on_signal) for number in ENDINGS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Raises it only when this is over."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._held is not None:
            raise Ended(self._held)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._is_held:
            raise Ended(number)
        self._held = number
