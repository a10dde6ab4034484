"""The usage export of Anthropic's console as CSV. Its input tokens leave out what was read from and written to a cache.

https://support.claude.com/en/articles/9534590-cost-and-usage-reporting-in-the-claude-console
"""

from earthward.assess.normal import Format, Mapping, number, quoted, text, total, when
from earthward.assess.source import Source

UNCACHED = "usage_input_tokens_no_cache"
READ = "usage_input_tokens_cache_read"
WRITES = ("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h")


def mapping(source: Source) -> Mapping:
    writes = tuple(name for name in WRITES if name in source.columns)
    written = total(*map(number, writes))
    kind = source.first_of("usage_type", "service_tier")
    return Mapping(
        {
            "ts": when("usage_date_utc", source),
            "model": text("model_version"),
            "app": text(source.first_of("workspace", "api_key")),
            "requests": "NULL",
            "input": total(number(UNCACHED), number(READ), *([written] if writes else [])),
            "cached": number(READ),
            "cache_written": written,
            "for_an_hour": number(source.first_of(WRITES[1])),
            "output": number("usage_output_tokens"),
            "batch": f"coalesce(lower({quoted(kind)}) LIKE '%batch%', false)" if kind else "false",
        },
        numbers=(UNCACHED, READ, *writes, "usage_output_tokens"),
        times=("usage_date_utc",),
        texts=("model_version",),
        is_summed=True,
    )


FORMAT = Format(
    "anthropic_usage",
    "a usage export of Anthropic's console",
    ("usage_date_utc", "model_version", UNCACHED, READ, "usage_output_tokens"),
    mapping,
)
