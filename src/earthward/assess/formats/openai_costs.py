"""OpenAI's cost export as CSV: amounts by day and line item, no tokens.

https://developers.openai.com/api/reference/resources/organization (costs)
"""

from earthward.assess.normal import Format, Mapping, money, text, when
from earthward.assess.source import Source


def mapping(source: Source) -> Mapping:
    return Mapping(
        {
            "ts": when("start_time", source),
            # As in `gpt-4o-mini-2024-07-18, input`.
            "model": "nullif(trim(split_part(\"line_item\", ',', 1)), '')",
            "app": text(source.first_of("project_name", "project_id")),
            "requests": "0",
            "billed": money("amount_value"),
            "currency": 'lower("amount_currency")',
        },
        numbers=("amount_value",),
        times=("start_time",),
        is_summed=True,
    )


FORMAT = Format(
    "openai_costs",
    "OpenAI's cost export",
    ("start_time", "end_time", "amount_value", "amount_currency", "line_item"),
    mapping,
)
