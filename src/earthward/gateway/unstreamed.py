"""What crossings have in common whose answers come whole and at once."""

from earthward.chat import Failure
from earthward.gateway.doors.exit import Listener


class Unstreamed:
    def stream(self) -> Listener:
        raise NotImplementedError("there is no stream of it")

    def more(self) -> None:
        return None

    def broken_off(self, failure: Failure) -> bytes:
        raise NotImplementedError("there is no stream of it")
