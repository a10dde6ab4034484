"""OpenAI's usage export of completions as CSV, and the same from its usage API as flat rows.

https://developers.openai.com/api/reference/resources/organization (usage, completions)
"""

from earthward.assess.normal import Format, Mapping, number, text, truth, when
from earthward.assess.source import Source


def mapping(source: Source) -> Mapping:
    cached = source.first_of("input_cached_tokens")
    return Mapping(
        {
            "ts": when("start_time", source),
            "model": text("model"),
            "app": text(source.first_of("project_name", "project_id")),
            "requests": number("num_model_requests"),
            "input": number("input_tokens"),
            "cached": number(cached),
            "output": number("output_tokens"),
            "batch": f"coalesce({truth(source.first_of('batch'))}, false)",
        },
        numbers=("num_model_requests", "input_tokens", "output_tokens", *([cached] if cached else ())),
        times=("start_time",),
        texts=("model",),
        is_summed=True,
    )


FORMAT = Format(
    "openai_usage",
    "OpenAI's usage export",
    ("start_time", "end_time", "num_model_requests", "input_tokens", "output_tokens", "model"),
    mapping,
)
