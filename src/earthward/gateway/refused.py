"""How an exchange ends that the gateway itself turns down."""

from earthward.chat import Failure


class Refused(Exception):
    """The exchange ends here, with this failure for the caller."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
