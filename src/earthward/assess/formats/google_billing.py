"""Google Cloud's billing export, for Vertex AI and the Gemini API: amounts by SKU, as CSV with dotted columns, or as
JSON lines with nested ones. What is billed is in the account's currency; the rate to dollars is in each row.

https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage
"""

from earthward.assess.normal import Format, Mapping, time
from earthward.assess.source import Source

SERVICES = "('vertex ai', 'gemini api', 'generative language api')"
FLAT = (
    "service.description",
    "sku.description",
    "usage_start_time",
    "cost",
    "currency",
    "usage.amount",
    "currency_conversion_rate",
)
NESTED = ("service", "sku", "usage_start_time", "cost", "currency", "usage", "currency_conversion_rate")


def _matches(source: Source) -> bool:
    return source.kind != "sqlite" and (source.has(*FLAT) or source.has(*NESTED))


def mapping(source: Source) -> Mapping:
    is_flat = source.has(*FLAT)
    service, sku, amount = (
        ('"service.description"', '"sku.description"', '"usage.amount"')
        if is_flat
        else ("(service->>'description')", "(sku->>'description')", "(usage->>'amount')")
    )
    tokens = f"try_cast(try_cast({amount} AS DECIMAL(38,6)) AS BIGINT)"
    project = source.first_of("project.id")
    return Mapping(
        {
            "ts": time("usage_start_time", source.sample("usage_start_time")),
            # As in `Gemini 2.0 Flash GA Text Input - Predictions`.
            "model": f"nullif(replace(lower(trim(regexp_replace({sku}, "
            r"'(?i)\s*\b(ga|text|image|audio|video|input|output|token(s)?|count|cached|batch|predictions?|thinking|-)\b"
            r"|\s-\s?', '', 'g'))), ' ', '-'), '')",
            "app": '"project.id"' if project else ("(project->>'id')" if source.has("project") else "NULL"),
            "requests": "0",
            # What is billed by the character, picture or hour tells no tokens.
            "input": f"CASE WHEN {sku} ILIKE '%character%' THEN NULL WHEN {sku} ILIKE '%input%' THEN {tokens} "
            f"WHEN {sku} ILIKE '%output%' THEN 0 END",
            "cached": f"CASE WHEN {sku} ILIKE '%input%' AND {sku} ILIKE '%cach%' THEN {tokens} ELSE 0 END",
            "output": f"CASE WHEN {sku} ILIKE '%character%' THEN NULL WHEN {sku} ILIKE '%output%' THEN {tokens} "
            f"WHEN {sku} ILIKE '%input%' THEN 0 END",
            # A row without a rate stays in its own currency.
            "billed": "CASE WHEN try_cast(currency_conversion_rate AS DOUBLE) > 0 THEN "
            "(try_cast(cost AS DECIMAL(38,12)) / try_cast(currency_conversion_rate AS DECIMAL(18,6)))::DECIMAL(38,12) "
            "ELSE try_cast(cost AS DECIMAL(38,12)) END",
            "currency": "CASE WHEN try_cast(currency_conversion_rate AS DOUBLE) > 0 THEN 'usd' "
            "ELSE lower(currency) END",
            "batch": f"{sku} ILIKE '%batch%'",
        },
        numbers=("cost", *(("usage.amount",) if is_flat else ())),
        times=("usage_start_time",),
        where=f"lower({service}) IN {SERVICES}",
        json=() if is_flat else tuple(name for name in ("service", "sku", "usage", "project") if source.has(name)),
        is_summed=True,
    )


FORMAT = Format("google_billing", "Google Cloud's billing export", FLAT, mapping, _matches)
