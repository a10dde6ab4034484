"""Any table with a time, a model and tokens: by the names that such columns often have, or as `--map` says."""

from earthward.assess.normal import Format, Mapping, identity, milliseconds, money, number, quoted, text, truth, when
from earthward.assess.source import Source

NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "ts", "date", "created_at", "start_time", "datetime"),
    "end": ("end_time", "ended_at", "end"),
    "model": ("model", "model_name", "model_id"),
    "input": ("input_tokens", "prompt_tokens", "input", "tokens_in"),
    "output": ("output_tokens", "completion_tokens", "output", "tokens_out"),
    "cached": ("cached_tokens", "cached_input_tokens", "cache_read_tokens", "cached"),
    "cache_written": ("cache_written_tokens", "cache_creation_tokens", "cache_write_tokens"),
    "requests": ("requests", "num_requests", "count"),
    "app": ("app", "application", "project", "service", "team"),
    "task": ("task", "feature", "use_case"),
    "cost": ("cost", "cost_usd", "amount", "spend"),
    "currency": ("currency",),
    "duration": ("duration_ms", "latency_ms", "duration"),
    "batch": ("batch",),
    "id": ("id", "request_id"),
}
NEEDED = ("time", "model", "input", "output")


def columns_of(source: Source) -> dict[str, str]:
    """Which column of the file is what."""
    lower = {name.lower(): name for name in source.columns}
    found = {name: next((lower[it] for it in names if it in lower), None) for name, names in NAMES.items()}
    return {name: column for name, column in found.items() if column is not None}


def _matches(source: Source) -> bool:
    return source.kind != "sqlite" and all(name in columns_of(source) for name in NEEDED)


def mapping(source: Source) -> Mapping:
    return mapping_of(source, columns_of(source))


def mapping_of(source: Source, columns: dict[str, str]) -> Mapping:
    get = columns.get
    begin = when(get("time"), source)
    duration = number(get("duration"))
    if duration == "NULL" and get("end"):
        duration = milliseconds(begin, when(get("end"), source))
    currency = get("currency")
    dollars = "'usd'" if get("cost") else "NULL"
    numbers = ("input", "output", "cached", "cache_written", "requests", "cost", "duration")
    return Mapping(
        {
            "ts": begin,
            "model": text(get("model")),
            "app": text(get("app")),
            "task": text(get("task")),
            **({"requests": number(get("requests"))} if get("requests") else {}),
            "input": number(get("input")),
            "cached": number(get("cached")),
            "cache_written": number(get("cache_written")),
            "output": number(get("output")),
            "billed": money(get("cost")),
            "currency": f"coalesce(nullif(lower({quoted(currency)}), ''), 'usd')" if currency else dollars,
            "duration": duration,
            "batch": f"coalesce({truth(get('batch'))}, false)",
            "id": identity(quoted(columns["id"])) if get("id") else "NULL",
        },
        numbers=tuple(columns[name] for name in numbers if name in columns),
        times=(columns["time"],),
        texts=(columns["model"],),
        is_summed="requests" in columns,
    )


FORMAT = Format("plain", "a table of usage", ("time", "model"), mapping, _matches)
