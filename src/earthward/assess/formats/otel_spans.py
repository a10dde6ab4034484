"""OpenTelemetry spans of generative AI, as the file exporter of the collector writes them: OTLP as JSON, one batch a
line. Spans without `gen_ai` attributes are not usage.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from earthward.assess.normal import Format, Mapping, identity
from earthward.assess.source import Source

ROWS = """(
    SELECT span->>'startTimeUnixNano' AS begin, span->>'endTimeUnixNano' AS finish,
        span->>'traceId' AS trace, span->>'spanId' AS span_id,
        list_filter(resource, lambda a: a->>'key' = 'service.name')[1]->'value'->>'stringValue' AS service,
        json_transform(span->'attributes', '["JSON"]') AS attributes
    FROM (
        SELECT resource, unnest(json_transform(scope->'spans', '["JSON"]')) AS span
        FROM (
            SELECT json_transform(batch->'resource'->'attributes', '["JSON"]') AS resource,
                unnest(json_transform(batch->'scopeSpans', '["JSON"]')) AS scope
            FROM (SELECT unnest(json_transform("resourceSpans", '["JSON"]')) AS batch FROM {source})
        )
    )
)"""


def _value(name: str, kind: str) -> str:
    return f"list_filter(attributes, lambda a: a->>'key' = '{name}')[1]->'value'->>'{kind}'"


def _text(name: str) -> str:
    return _value(name, "stringValue")


def _number(*names: str) -> str:
    values = [f"try_cast({_value(name, 'intValue')} AS BIGINT)" for name in names]
    return f"coalesce({', '.join(values)})"


def _matches(source: Source) -> bool:
    return source.kind in ("lines", "object", "array") and source.has("resourceSpans")


def mapping(source: Source) -> Mapping:
    into = _number("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
    out = _number("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
    nanoseconds = "make_timestamp(try_cast(begin AS BIGINT) // 1000)"
    return Mapping(
        {
            "ts": nanoseconds,
            "model": f"coalesce({_text('gen_ai.response.model')}, {_text('gen_ai.request.model')})",
            "app": "service",
            "task": _text("gen_ai.operation.name"),
            "input": into,
            "cached": _number("gen_ai.usage.cache_read.input_tokens"),
            "cache_written": _number("gen_ai.usage.cache_creation.input_tokens"),
            "output": out,
            "duration": "(try_cast(finish AS BIGINT) - try_cast(begin AS BIGINT)) // 1000000",
            "needs": f"CASE WHEN {_text('gen_ai.operation.name')} = 'embeddings' THEN 'embeddings' END",
            "id": identity("(trace || span_id)"),
        },
        where=f"coalesce({_text('gen_ai.request.model')}, {_text('gen_ai.response.model')}) IS NOT NULL "
        f"AND coalesce({_text('gen_ai.operation.name')}, '') NOT IN ('execute_tool', 'invoke_agent', 'create_agent')",
        relation=ROWS,
        json=("resourceSpans",),
    )


FORMAT = Format("otel_spans", "OpenTelemetry spans", ("resourceSpans",), mapping, _matches)
