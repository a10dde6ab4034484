"""Requests that are no JSON, or not of the shape that was asked for."""

from earthward.chat import Failure, FailureKind


def unreadable(error: Exception) -> Failure:
    """What msgspec found wrong, with the place in `param`: it says "Expected `int`, got `str` - at `$.n`"."""
    where = str(error).partition(" - at `$.")[2].rstrip("`")
    return Failure(FailureKind.BAD_REQUEST, f"the request cannot be read: {error}", param=where or None)
