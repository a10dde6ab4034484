"""A provider's own keys, in turn: one that was refused or is out of quota rests, the next takes over."""

from collections.abc import Sequence

REST_AFTER_REFUSAL = 60.0
REST_AFTER_QUOTA = 10.0
LONGEST_REST = 600.0


class Credentials:
    """`headers` are the ready header lines of each key, in the order of the configuration; may be empty.

    Times are seconds of a monotonic clock.
    """

    has_none = False
    """Whether there should be one and is none."""

    def __init__(self, headers: Sequence[bytes], secrets: Sequence[str]) -> None:
        self._headers = tuple(headers)
        self._secrets = tuple(secret for secret in secrets if secret)
        self._rests_until = [0.0] * len(headers)
        self._current = 0

    def __len__(self) -> int:
        return len(self._headers)

    def current(self, now: float) -> tuple[int, bytes]:
        """The key to use: the last one that worked, else the next rested one, else the one that has rested longest."""
        if not self._headers:
            return 0, b""
        if self._rests_until[self._current] > now:
            count = len(self._headers)
            order = [(self._current + step) % count for step in range(1, count + 1)]
            self._current = next(
                (index for index in order if self._rests_until[index] <= now),
                min(order, key=self._rests_until.__getitem__),
            )
        return self._current, self._headers[self._current]

    def rest(self, index: int, now: float, seconds: float) -> None:
        """Leaves this key alone for a while."""
        if index < len(self._rests_until):
            self._rests_until[index] = now + min(seconds, LONGEST_REST)

    def refused(self, index: int, now: float) -> None:
        self.rest(index, now, REST_AFTER_REFUSAL)

    def has_rested_key(self, now: float) -> bool:
        return any(until <= now for until in self._rests_until)

    def scrub(self, text: str) -> str:
        """The text without any of these keys, should an upstream have echoed one."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "[redacted]")
        return text
