"""Earthward's own ledger: what `earthward ledger export` wrote, or the SQLite file itself."""

from earthward.assess.normal import Format, Mapping, identity, number, quoted, text
from earthward.assess.source import Source

NANO = "1000000000"
COLUMNS = ("id", "accepted_at", "requested_model", "input_tokens", "output_tokens", "cost", "duration", "status")


def _matches(source: Source) -> bool:
    return source.kind == "sqlite" or source.has(*COLUMNS)


def mapping(source: Source) -> Mapping:
    return Mapping(
        {
            "ts": "make_timestamp(try_cast(accepted_at AS BIGINT) // 1000)",
            "model": text("requested_model"),
            "app": text("app"),
            "task": text("task"),
            "input": number("input_tokens"),
            "cached": number("cached_tokens"),
            "cache_written": number("cache_written_tokens"),
            "output": number("output_tokens"),
            "billed": f"try_cast(cost AS DECIMAL(38,12)) / {NANO}",
            "currency": "'usd'",
            "duration": "try_cast(duration AS BIGINT) // 1000000",
            "id": identity(quoted("id")),
        },
        numbers=("input_tokens", "output_tokens", "cost"),
        times=("accepted_at",),
        texts=("requested_model",),
        # Shadows and judges are no work that anybody asked for.
        where="coalesce(\"path\", '') NOT LIKE '/earthward/%'" if source.has("path") else "true",
    )


FORMAT = Format("earthward_ledger", "Earthward's ledger", COLUMNS, mapping, _matches)
