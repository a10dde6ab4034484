"""What one side says and the other has no words for."""

from earthward.chat import Failure, FailureKind


class Inexpressible(Exception):
    """Raised inside a reader or writer and turned into its failure at the door."""

    def __init__(self, message: str, param: str | None = None, kind: FailureKind = FailureKind.UNSUPPORTED) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message, param=param)
