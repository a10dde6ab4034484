"""What crossings have in common whose answers come whole and at once."""

from typing import TYPE_CHECKING

from earthward.chat import Failure
from earthward.gateway.doors.exit import Listener

if TYPE_CHECKING:
    from earthward.gateway.crossing import Written


class Unstreamed:
    lost: tuple[str, ...] = ()

    def at(self, context: int, written: "Written") -> "Written":
        """As it was written: with the one context that all of them have."""
        return written

    def stream(self) -> Listener:
        raise NotImplementedError("there is no stream of it")

    def more(self) -> None:
        return None

    def broken_off(self, failure: Failure) -> bytes:
        raise NotImplementedError("there is no stream of it")
