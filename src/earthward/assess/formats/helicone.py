"""Requests exported from Helicone, as CSV or JSON lines (`npx @helicone/export`).

https://docs.helicone.ai/rest/request/post-v1requestquery-clickhouse
"""

from earthward.assess.normal import Format, Mapping, identity, milliseconds, money, number, quoted, text, total, when
from earthward.assess.source import Source


def mapping(source: Source) -> Mapping:
    begin = when("request_created_at", source)
    end = when(source.first_of("response_created_at"), source)
    delay = source.first_of("delay_ms")
    read, written = source.first_of("prompt_cache_read_tokens"), source.first_of("prompt_cache_write_tokens")
    cost = source.first_of("cost", "costUSD", "cost_usd")
    properties, user = source.first_of("request_properties"), text(source.first_of("request_user_id"))
    return Mapping(
        {
            "ts": begin,
            "model": f"coalesce({text(source.first_of('response_model'))}, {text('request_model')})",
            "app": f"coalesce(try_cast({quoted(properties)} AS JSON)->>'app', {user})" if properties else user,
            "task": f"try_cast({quoted(properties)} AS JSON)->>'task'" if properties else "NULL",
            # Its prompt tokens leave out what a cache held.
            "input": total(number("prompt_tokens"), number(read), number(written)),
            "cached": number(read),
            "cache_written": number(written),
            "output": number("completion_tokens"),
            "billed": money(cost),
            "currency": "'usd'" if cost else "NULL",
            "duration": number(delay) if delay else (milliseconds(begin, end) if end != "NULL" else "NULL"),
            "id": identity(quoted("request_id")),
        },
        numbers=("prompt_tokens", "completion_tokens", *([cost] if cost else ()), *([read] if read else ())),
        times=("request_created_at",),
        texts=("request_model",),
    )


FORMAT = Format(
    "helicone",
    "an export of Helicone",
    (
        "request_id",
        "request_created_at",
        "request_model",
        "response_status",
        "prompt_tokens",
        "completion_tokens",
    ),
    mapping,
)
