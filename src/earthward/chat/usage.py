"""How many tokens an exchange used, and how far each figure can be trusted."""

from enum import StrEnum

import msgspec


class Source(StrEnum):
    """Where a count comes from."""

    REPORTED = "reported"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


_NOT_KNOWN = Source.UNKNOWN


class Count(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A number of tokens; `unknown` always has the value 0 and must not be summed as zero."""

    tokens: int = 0
    source: Source = Source.UNKNOWN

    @classmethod
    def reported(cls, tokens: int) -> "Count":
        return cls(tokens, Source.REPORTED)

    @classmethod
    def estimated(cls, tokens: int) -> "Count":
        return cls(tokens, Source.ESTIMATED)

    @property
    def is_known(self) -> bool:
        return self.source is not _NOT_KNOWN


UNKNOWN = Count()
COUNTS = ("input", "output", "cached", "cache_written", "reasoning")


class Usage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Tokens of one answer.

    `input` includes what was read from and written to a prompt cache, `output` includes reasoning, whatever
    the provider's own convention is; dialects convert. `written_for_an_hour` are those of `cache_written` that are kept
    longer than usual, for a price of their own.
    """

    input: Count = UNKNOWN
    output: Count = UNKNOWN
    cached: Count = UNKNOWN
    cache_written: Count = UNKNOWN
    reasoning: Count = UNKNOWN
    written_for_an_hour: int = 0

    @property
    def counts(self) -> tuple[Count, Count, Count, Count, Count]:
        return self.input, self.output, self.cached, self.cache_written, self.reasoning
