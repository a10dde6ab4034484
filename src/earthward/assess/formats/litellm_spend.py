"""LiteLLM's table `LiteLLM_SpendLogs`, exported as CSV, JSON lines or Parquet. `spend` is LiteLLM's own reckoning.

https://docs.litellm.ai/docs/proxy/spend_logs_deletion
"""

from earthward.assess.normal import Format, Mapping, identity, milliseconds, money, number, quoted, text, when
from earthward.assess.source import Source


def mapping(source: Source) -> Mapping:
    begin, end = when("startTime", source), when("endTime", source)
    provider = source.first_of("custom_llm_provider")
    name = text("model")
    model = (
        f"CASE WHEN {text(provider)} IS NULL OR contains({name}, '/') THEN {name} "
        f"ELSE {quoted(provider)} || '/' || {name} END"
        if provider
        else name
    )
    call = source.first_of("call_type")
    return Mapping(
        {
            "ts": begin,
            "model": model,
            "app": text(source.first_of("team_id", "user", "end_user")),
            "input": number("prompt_tokens"),
            **(_cache() if source.has("metadata") else {}),
            "output": number("completion_tokens"),
            "billed": money("spend"),
            "currency": "'usd'",
            "duration": milliseconds(begin, end),
            "needs": _needs(quoted(call)) if call else "NULL",
            "id": identity(quoted("request_id")),
        },
        numbers=("prompt_tokens", "completion_tokens", "spend"),
        times=("startTime", "endTime"),
        texts=("model",),
    )


def _cache() -> dict[str, str]:
    """Part of the prompt tokens, and told in the metadata: as Anthropic names it, or as OpenAI does."""
    used = f"(try_cast({quoted('metadata')} AS JSON)->'additional_usage_values')"
    read, written = (f"try_cast({used}->>'cache_{kind}_input_tokens' AS BIGINT)" for kind in ("read", "creation"))
    details = f"try_cast({used}->'prompt_tokens_details'->>'cached_tokens' AS BIGINT)"
    return {"cached": f"coalesce(nullif({read}, 0), {details}, {read})", "cache_written": written}


def _needs(call: str) -> str:
    return (
        f"CASE WHEN {call} LIKE '%embedding%' THEN 'embeddings' WHEN {call} LIKE '%image%' THEN 'images' "
        f"WHEN {call} LIKE '%speech%' OR {call} LIKE '%transcription%' THEN 'audio' END"
    )


FORMAT = Format(
    "litellm_spend",
    "LiteLLM's spend logs",
    ("request_id", "startTime", "endTime", "model", "prompt_tokens", "completion_tokens", "spend"),
    mapping,
)
