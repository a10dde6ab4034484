"""Observations exported from Langfuse, as CSV, JSON or JSON lines. Only generations are usage, not spans and events.

https://langfuse.com/docs/api-and-data-platform/features/export-from-ui
"""

from earthward.assess.normal import Format, Mapping, identity, milliseconds, money, number, quoted, text, when
from earthward.assess.source import Source

INPUT = ("promptTokens", "inputUsage", "inputTokens", "input_tokens")
OUTPUT = ("completionTokens", "outputUsage", "outputTokens", "output_tokens")
MODEL = ("providedModelName", "model")
COST = ("calculatedTotalCost", "totalCost", "total_cost")


def _matches(source: Source) -> bool:
    return (
        source.kind != "sqlite"
        and source.has("traceId", "type", "startTime", "endTime")
        and all(source.first_of(*names) for names in (MODEL, INPUT, OUTPUT))
    )


def mapping(source: Source) -> Mapping:
    begin, end = when("startTime", source), when("endTime", source)
    into, out, cost = source.first_of(*INPUT), source.first_of(*OUTPUT), source.first_of(*COST)
    model = source.first_of(*MODEL) or "model"
    return Mapping(
        {
            "ts": begin,
            "model": text(model),
            "app": text(source.first_of("environment", "userId")),
            "task": text(source.first_of("name", "traceName")),
            "input": number(into),
            "output": number(out),
            "billed": money(cost),
            "currency": "'usd'" if cost else "NULL",
            "duration": milliseconds(begin, end),
            "id": identity(quoted("id")) if source.has("id") else "NULL",
        },
        numbers=tuple(name for name in (into, out, cost) if name),
        times=("startTime", "endTime"),
        texts=(model,),
        where="upper(\"type\") = 'GENERATION'",
    )


FORMAT = Format(
    "langfuse",
    "an export of Langfuse's observations",
    ("id", "traceId", "type", "startTime", "endTime", "model", "promptTokens", "completionTokens"),
    mapping,
    _matches,
)
