"""What an assessment says. Money is nano-dollars, times are UTC, what is not known is None and counted beside."""

from decimal import Decimal

import msgspec

from earthward.assess.read import Reading


class Line(msgspec.Struct, frozen=True):
    """One line of a table. `cost` is at list price, of rows whose price is known, None where it is of none of them;
    `unpriced` counts the others."""

    name: str
    requests: int
    input: int
    cached: int
    output: int
    cost: int | None
    unpriced: int


class Percentiles(msgspec.Struct, frozen=True):
    p50: int
    p90: int
    p99: int
    most: int


class Peak(msgspec.Struct, frozen=True):
    """Of the busiest minute, and of the second with most requests under way; None where the rows can't tell."""

    requests_per_second: float | None = None
    input_tokens_per_second: float | None = None
    output_tokens_per_second: float | None = None
    concurrency: int | None = None


class Eligible(msgspec.Struct, frozen=True):
    """Shares of the requests (rows where those are not counted), of all tokens, and of the known cost, that a local
    model could serve; `rest` says why the others are not, by number of requests."""

    requests: float
    tokens: float
    cost: float | None
    rest: dict[str, int]


class Work(msgspec.Struct, frozen=True):
    """What `earthward tco --usage` reckons with."""

    requests_a_month: int
    input_tokens: Decimal
    output_tokens: Decimal
    cached_share: Decimal
    peak_factor: Decimal | None


class Assessment(msgspec.Struct, frozen=True):
    files: tuple[Reading, ...]
    first: str | None
    last: str | None
    total: Line
    billed: dict[str, Decimal]
    duplicates: int
    unknown_models: dict[str, int]
    unknown_tokens: int
    unknown_currencies: dict[str, int]
    odd_cache: int
    by_model: tuple[Line, ...]
    by_app: tuple[Line, ...]
    by_task: tuple[Line, ...]
    by_day: tuple[Line, ...]
    by_hour: tuple[Line, ...]
    by_hour_of_day: tuple[Line, ...]
    prompt: Percentiles | None
    answer: Percentiles | None
    peak: Peak
    eligible: Eligible | None
    work: Work | None
