"""The page on the ledger: every field of a record."""

from earthward.chat.usage import Source, Usage
from earthward.cli.markdown import page, table
from earthward.ledger.record import Attempt, Record

RECORD = {
    "id": "the exchange, as in the header `x-earthward-id` of its answer",
    "accepted_at": "when its first byte came, in Unix nanoseconds",
    "status": "`ok`; `failed`; `cancelled`: cut off by the caller, or as the gateway was stopped; "
    "`unknown`: the gateway's process died before the end",
    "queued": "nanoseconds until a connection to the first target was there",
    "first_content": "nanoseconds until the first content went to the caller (TTFT); null where nothing was streamed",
    "duration": "nanoseconds until the end",
    "dialect": "the caller's protocol",
    "path": "as the caller sent it",
    "requested_model": "as the caller named it",
    "stream": "whether the caller asked for a stream",
    "key": "the id of the caller's key; empty with `auth: open`",
    "app": "the key's application",
    "team": "the key's team",
    "task": "from the header `x-earthward-task`",
    "data_class": "from the header `x-earthward-data-class`",
    "unit": "a keyed hash of who is kept on one arm; empty on routes without a candidate",
    "route": "the route that matched; empty if none did",
    "arm": "`baseline`, `candidate`, or `only` on a route with `use`. It is the arm that was assigned, whoever served",
    "share": "the candidate's share when this was assigned, in 1/10,000; 10,000 for pilots",
    "stage": "of a rollout; 0 for a fixed share",
    "epoch": "of a rollout; 0 for a fixed share",
    "snapshot": "the version of the configuration it was decided by",
    "target": "the target that was tried last, which is the one that served it if it is `ok`",
    "endpoint": "the address of that target",
    "upstream_dialect": "the protocol spoken to it",
    "model": "the model's name there",
    "attempts": "every try, in order; below",
    "http_status": "what the caller got",
    "failure": "one of the [kinds of failure](errors.md), or null",
    "message": "what the caller was told of it",
    "finish_reason": "as the target gave it",
    "usage": "tokens of the answer; below",
    "characters_in": "of the text of all messages",
    "characters_out": "of the text of the answer",
    "cost": "of all attempts, in nano-dollars, at the prices in force; null where a price or a count is not known",
    "dropped": "what the request asked for and was left out",
}

ATTEMPT = {
    "target": "whom",
    "endpoint": "at which address",
    "why": "what made the gateway try it: `baseline, for the candidate` and so on",
    "started_at": "in Unix nanoseconds",
    "duration": "in nanoseconds",
    "status": "the HTTP status it answered with, or null",
    "failure": "one of the [kinds of failure](errors.md), or null",
    "message": "what it said",
    "usage": "its own tokens, as below",
    "cost": "its own, in nano-dollars; null where it is not known",
    "context": "with how many tokens of context an Ollama was asked to have the model loaded; 0 where it was not asked",
}

USAGE = {
    "input": "of the request, cached ones included",
    "output": "of the answer, reasoning included",
    "cached": "of the input, read from a prompt cache",
    "cache_written": "of the input, written to a prompt cache",
    "reasoning": "of the output, not shown",
    "written_for_an_hour": "of those written to a prompt cache, kept for an hour; in the cost, not in the store",
}


def ledger() -> str:
    sources = ", ".join(f"`{source}`" for source in Source)
    return page(
        "What is on record",
        "earthward.ledger.record",
        "One record for each exchange, as `earthward ledger show --json` and `earthward ledger tail --json` print it. "
        "Content is never part of it. Money is whole nano-dollars, times are whole nanoseconds; what is not known is "
        "null, never zero.",
        "## A record",
        table(("Field", "What it is"), _rows(Record.__struct_fields__, RECORD)),
        "## An attempt",
        table(("Field", "What it is"), _rows(Attempt.__struct_fields__, ATTEMPT)),
        "## Usage",
        f"Each count is `{{tokens, source}}`; `source` is one of {sources}. An estimate is a quarter of the "
        "characters, and only made where the target told nothing.",
        table(("Field", "Tokens"), _rows(Usage.__struct_fields__, USAGE)),
        "## In SQL",
        "The store is an SQLite file that may be read while the gateway runs. The table `exchanges` has a row for each "
        "record with these names, `attempts` and `dropped` as JSON, and usage as `input_tokens`, `output_tokens` and "
        "so on. The table `exchange_hours` has the sums by hour, route, arm, target, model, key, app, team and status.",
        "```sql\n"
        "SELECT app, count(*) AS requests, sum(cost) / 1e9 AS dollars\n"
        "FROM exchanges WHERE accepted_at > 1e9 * strftime('%s', 'now', '-1 day')\n"
        "GROUP BY app ORDER BY dollars DESC;\n"
        "```",
    )


def _rows(fields: tuple[str, ...], texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"`{field}`", texts[field]) for field in fields]
