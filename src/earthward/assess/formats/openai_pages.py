"""Pages of OpenAI's usage and costs APIs as JSON: buckets with results.

https://developers.openai.com/api/reference/resources/organization
"""

from earthward.assess.normal import Format, Mapping, time
from earthward.assess.source import Source

ROWS = """(
    SELECT bucket->>'start_time' AS start_time, unnest(json_transform(bucket->'results', '["JSON"]')) AS result
    FROM (SELECT unnest(json_transform(data, '["JSON"]')) AS bucket FROM {source})
)"""


def _is_page(source: Source) -> bool:
    row = source.rows[0] if source.rows else {}
    data = row.get("data")
    return (
        row.get("object") == "page"
        and isinstance(data, list)
        and all(isinstance(it, dict) and it.get("object") == "bucket" for it in data[:3])
    )


def _number(name: str) -> str:
    return f"try_cast(result->>'{name}' AS BIGINT)"


def mapping(source: Source) -> Mapping:
    data = source.rows[0]["data"]
    sample = data[0].get("start_time") if data else 0
    return Mapping(
        {
            "ts": time("start_time", sample),
            "model": "coalesce(result->>'model', nullif(trim(split_part(result->>'line_item', ',', 1)), ''))",
            "app": "result->>'project_id'",
            "requests": f"coalesce({_number('num_model_requests')}, 0)",
            "input": _number("input_tokens"),
            "cached": _number("input_cached_tokens"),
            "output": _number("output_tokens"),
            "billed": "try_cast(result->'amount'->>'value' AS DECIMAL(38,12))",
            "currency": "lower(result->'amount'->>'currency')",
            "batch": "coalesce(try_cast(result->>'batch' AS BOOLEAN), false)",
        },
        relation=ROWS,
        json=("data",),
        is_summed=True,
    )


FORMAT = Format("openai_pages", "a page of OpenAI's usage API", ("object", "data"), mapping, _is_page)
