"""Each format: a sample as its documentation has it, with one column wrong, one missing, and in another currency."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from earthward.assess.formats import formats
from earthward.assess.read import Reading, connect, read, same_twice
from earthward.assess.result import Assessment
from earthward.assess.source import Unreadable
from earthward.assess.sums import assessment

SAMPLES = Path(__file__).parent / "samples"
Assess = Callable[..., Assessment]


@pytest.fixture
def assess(tmp_path: Path) -> Assess:
    folder = tmp_path / "database"

    def run(
        *paths: Path, columns: dict[str, str] | None = None, zone: str | None = None, **options: object
    ) -> Assessment:
        folder.mkdir(exist_ok=True)
        (folder / "usage.duckdb").unlink(missing_ok=True)
        connection = connect(str(folder), threads=1)
        try:
            readings = [read(connection, path, n, columns=columns, zone=zone) for n, path in enumerate(paths)]
            return assessment(connection, readings, **options)  # type: ignore[arg-type]
        finally:
            connection.close()

    return run


def changed(tmp_path: Path, name: str, *changes: tuple[str, str]) -> Path:
    text = (SAMPLES / name).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / name
    path.write_text(text)
    return path


EXPECTED = {
    # requests, input, cached, output, nano-dollars at list price, rows without a price
    "openai_usage.csv": (1250, 670_000, 100_000, 248_000, None, 0),
    "openai_costs.csv": (0, 0, 0, 0, "unknown", 2),
    "openai_pages.json": (1205, 601_000, 100_000, 240_500, 226_500_000 + 7_500_000, 0),
    "anthropic_usage.csv": (0, 250_000, 200_000, 9_300, None, 0),
    "google_billing.csv": (0, 1_000_000, 0, 200_000, 100_000_000 + 80_000_000, 0),
    "google_billing.jsonl": (0, 1_000_000, 0, 200_000, 100_000_000 + 80_000_000, 0),
    "litellm_spend.csv": (3, 1_100, 0, 500, 450_000 + 2_000, 0),
    "helicone.jsonl": (2, 3_000, 2_000, 400, 9_600_000, 1),
    "langfuse.csv": (2, 3_000, 0, 400, 8_000_000 + 3_500_000, 0),
    "otel_spans.jsonl": (2, 1_500, 0, 300, 270_000 + 135_000, 0),
    "earthward_ledger.csv": (2, 1_000, 0, 200, 270_000, 1),
    "plain.csv": (2, 2_000, 0, 400, 4_500_000, 1),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_comes_to_what_it_says(name: str, assess: Assess) -> None:
    found = assess(SAMPLES / name)
    requests, into, cached, out, cost, unpriced = EXPECTED[name]
    total = found.total
    assert (total.requests, total.input, total.cached, total.output, total.unpriced) == (
        requests, into, cached, out, unpriced,
    )  # fmt: skip
    assert cost is None or total.cost == (None if cost == "unknown" else cost)


def test_every_format_has_a_sample_and_is_told_by_what_is_in_it(assess: Assess) -> None:
    titles = {it.title for it in formats()}
    assert {assess(SAMPLES / name).files[0].format for name in EXPECTED} == titles


def test_prices_of_batches_and_caches_are_their_own(assess: Assess) -> None:
    lines = {it.name: it for it in assess(SAMPLES / "openai_usage.csv").by_model}
    assert lines["gpt-4o-mini-2024-07-18"].cost == 500_000 * 150 + 100_000 * 75 + 240_000 * 600
    assert lines["gpt-4o-2024-08-06"].cost == (20_000 * 2500 + 8_000 * 10_000) // 2
    anthropic = {it.name: it for it in assess(SAMPLES / "anthropic_usage.csv").by_model}
    sonnet = anthropic["claude-sonnet-4-5-20250929"]
    assert sonnet.cost == 35_000 * 3000 + 5_000 * 3750 + 200_000 * 300 + 7_000 * 15_000


def test_rows_that_are_other_than_usage_are_counted(assess: Assess) -> None:
    assert assess(SAMPLES / "google_billing.csv").files[0].skipped == {"is other than usage": 1}
    assert assess(SAMPLES / "langfuse.csv").files[0].skipped == {"is other than usage": 1}


def test_googles_own_rate_turns_euros_into_dollars(assess: Assess) -> None:
    billed = assess(SAMPLES / "google_billing.csv").billed
    assert billed["all in usd"] == Decimal("0.27")


def test_a_currency_without_a_rate_is_counted_and_never_added(assess: Assess, tmp_path: Path) -> None:
    path = changed(tmp_path, "openai_costs.csv", ("0.144000000000,usd", "0.144000000000,eur"))
    found = assess(path)
    assert found.unknown_currencies == {"eur": 1}
    assert found.billed["all in usd"] == Decimal("0.0825")
    rated = assess(path, rates={"eur": Decimal("1.25")})
    assert rated.billed["all in usd"] == Decimal("0.0825") + Decimal("0.18")


def test_google_without_a_rate_stays_in_its_currency(assess: Assess, tmp_path: Path) -> None:
    found = assess(changed(tmp_path, "google_billing.csv", (",EUR,0.92,", ",EUR,,")))
    assert found.unknown_currencies == {"eur": 2}
    assert "all in usd" not in found.billed


WRONG = {
    "openai_usage.csv": ("600000,240000", "many,240000"),
    "openai_costs.csv": ("0.144000000000", "a lot"),
    "anthropic_usage.csv": ("9000,0,0,0,2000", "9000,0,0,0,two"),
    "google_billing.csv": ("0.138000,EUR", "n/a,EUR"),
    "litellm_spend.csv": ("1200,1000,500", "1200,x,500"),
    "langfuse.csv": ("2000,300,2300", "2000,?,2300"),
    "earthward_ledger.csv": ("1000,200,0,0,270000", "1e,200,0,0,270000"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_column_is_told_with_its_line_and_name(name: str, assess: Assess, tmp_path: Path) -> None:
    found = assess(changed(tmp_path, name, WRONG[name]))
    reading = found.files[0]
    assert sum(count for reason, count in reading.skipped.items() if "has no number" in reason) == 1
    place = reading.examples[0]
    assert place.line > 1
    assert f"`{place.column}`" in " ".join(reading.skipped)


MISSING = {
    "openai_usage.csv": "input_tokens",
    "openai_costs.csv": "amount_value",
    "anthropic_usage.csv": "usage_output_tokens",
    "google_billing.csv": "cost",
    "litellm_spend.csv": "spend",
    "langfuse.csv": "completionTokens",
    "earthward_ledger.csv": "requested_model",
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_column_is_told_by_name(name: str, assess: Assess, tmp_path: Path) -> None:
    lines = (SAMPLES / name).read_text().splitlines()
    head = lines[0].split(",")
    head[head.index(MISSING[name])] = "renamed"
    path = tmp_path / name
    path.write_text("\n".join([",".join(head), *lines[1:]]))
    with pytest.raises(Unreadable, match=f"`{MISSING[name]}`"):
        assess(path)


def test_a_broken_line_of_json_is_told_with_line_and_column(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    good = '{"time": "2025-01-01T00:00:00Z", "model": "gpt-4o", "input": 1, "output": 1}'
    path.write_text(f"{good}\n{good}\n{good[:-9]}\n{good}\n[1]\n")
    reading = assess(path).files[0]
    assert (reading.usage, reading.skipped) == (3, {"is no JSON object": 2})
    assert [it.line for it in reading.examples] == [3, 5]
    assert "column" in reading.examples[0].message


def test_a_broken_line_of_csv_is_told_with_its_line(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text("time,model,input,output\n2025-01-01,gpt-4o,1,1\n2025-01-01,gpt-4o,1\n2025-01-01,gpt-4o,1,1,1\n")
    reading = assess(path).files[0]
    assert (reading.usage, reading.skipped) == (1, {"is a broken line": 2})
    assert {it.line for it in reading.examples} == {3, 4}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\xff\xfet\0i\0", "UTF-16"),
        (b"\x7fELF\0\0\0", "neither"),
        (b"hello\n", "no line of column names"),
        (b"a,a\n1,2\n", "twice"),
        (b"model,Model\n1,2\n", "case of its letters"),
        (b"a,b\n1,2\n", "--map"),
        (b'{"object": "page", "data": [', "is no JSON"),
        (b"PAR1 and then nothing", "can't be read"),
        (b"SQLite format 3\0 and then nothing", "can't be read"),
        (b"\x1f\x8b broken", "can't be read"),
        (b'[{"time": 1, "model": "m", "input": 1, "output": 1}, {"time": ', "file:1:63: is no JSON"),
    ],
)
def test_a_file_that_is_no_usage_is_refused_by_name(data: bytes, words: str, assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(Unreadable) as refused:
        assess(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)


def test_the_name_of_a_file_does_not_matter(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "no extension, and a quote ' in it"
    path.write_bytes(gzip.compress((SAMPLES / "litellm_spend.csv").read_bytes()))
    assert assess(path).files[0].format == "LiteLLM's spend logs"


def test_parquet_and_arrays_read_as_csv_does(assess: Assess, tmp_path: Path) -> None:
    table = f"read_csv('{SAMPLES / 'litellm_spend.csv'}', all_varchar = true)"
    duckdb.execute(f"COPY (SELECT * FROM {table}) TO '{tmp_path / 'p'}' (FORMAT parquet)")
    duckdb.execute(f"COPY (SELECT * FROM {table}) TO '{tmp_path / 'a'}' (FORMAT json, ARRAY true)")
    expected = assess(SAMPLES / "litellm_spend.csv").total
    assert assess(tmp_path / "p").total == expected
    assert assess(tmp_path / "a").total == expected


def test_columns_may_be_named(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_text("wann,was,rein,raus\n2025-03-30 03:30:00,gpt-4o,10,20\n")
    columns = {"time": "wann", "model": "was", "input": "rein", "output": "raus"}
    assert assess(path, columns=columns).total.input == 10
    with pytest.raises(Unreadable, match="has no column `wo`"):
        assess(path, columns={**columns, "app": "wo"})


def test_times_without_an_offset_are_in_the_stated_zone_summer_or_winter(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    rows = ("2025-03-30 01:30:00", "2025-03-30 03:30:00", "2025-07-01 12:00:00Z", "2025-07-01T12:00:00+05:30")
    path.write_text("time,model,input,output\n" + "".join(f"{row},gpt-4o,1,1\n" for row in rows))
    hours = [it.name for it in assess(path, zone="Europe/Berlin").by_hour]
    assert hours == ["2025-03-30T00:00Z", "2025-03-30T01:00Z", "2025-07-01T06:00Z", "2025-07-01T12:00Z"]
    assert assess(path).first == "2025-03-30T01:30:00Z"


@pytest.mark.parametrize(
    "time", ["1762500000", "1762500000000", "1762500000000000", "1762500000000000000", "1762500000.5"]
)
def test_numbers_are_seconds_or_smaller_since_1970(time: str, assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text(f"time,model,input,output\n{time},gpt-4o,1,1\n")
    assert (assess(path).first or "").startswith("2025-11-07T07:20:00")


def test_what_came_twice_by_its_id_counts_once(assess: Assess, tmp_path: Path) -> None:
    head, *rows = (SAMPLES / "litellm_spend.csv").read_text().splitlines()
    path = tmp_path / "twice"
    path.write_text("\n".join([head, *rows, rows[0]]))
    found = assess(path)
    assert (found.duplicates, found.total.requests) == (1, 3)
    assert assess(SAMPLES / "litellm_spend.csv", path).duplicates == 4


def test_one_file_under_two_names_is_noticed(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes((SAMPLES / "plain.csv").read_bytes())
    assert same_twice([SAMPLES / "plain.csv", SAMPLES / "langfuse.csv", copy]) == copy
    assert same_twice([SAMPLES / "plain.csv", SAMPLES / "langfuse.csv"]) is None


def test_a_model_without_a_price_has_no_cost_and_is_named(assess: Assess, tmp_path: Path) -> None:
    found = assess(changed(tmp_path, "plain.csv", ("0,0045", "0.0045")))
    assert found.unknown_models == {"unheard-of-7b": 1}
    assert {it.name: it.unpriced for it in found.by_model} == {"gpt-4o": 0, "unheard-of-7b": 1}


def test_what_a_local_model_cannot_take_over_is_told_with_the_reason(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    rows = ("gpt-4o,100,10", "gpt-4o,90000,10", "text-embedding-3-small,5,0", "o1,5,5", "whisper-1,5,5")
    path.write_text("time,model,input,output\n" + "".join(f"2025-11-01,{row}\n" for row in rows))
    eligible = assess(path, keep=["o1*"]).eligible
    assert eligible is not None
    assert eligible.requests == pytest.approx(1 / 5)
    assert len(eligible.rest) == 4


def test_peaks_are_those_of_the_busiest_minute_and_second(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    rows = [f"2025-11-01T10:00:{second:02d}Z,gpt-4o,60,6,2500" for second in range(10)]
    path.write_text("time,model,input,output,duration_ms\n" + "\n".join(rows))
    peak = assess(path).peak
    assert peak.requests_per_second == pytest.approx(10 / 60, abs=1e-3)
    assert peak.input_tokens_per_second == 10
    assert peak.concurrency == 3


def test_sums_over_days_tell_no_peaks_and_no_lengths(assess: Assess) -> None:
    found = assess(SAMPLES / "openai_usage.csv")
    assert found.peak.requests_per_second is None
    assert found.work is not None
    assert found.work.peak_factor is None


def test_long_prompts_are_priced_in_their_tier_each_request_by_itself(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text(
        "time,model,input,output\n2025-11-01,claude-sonnet-4-5,200000,0\n2025-11-01,claude-sonnet-4-5,200001,0\n"
    )
    assert assess(path).total.cost == 200_000 * 3000 + 200_001 * 6000


def test_the_ledgers_own_file_is_read_as_it_is(assess: Assess, tmp_path: Path) -> None:
    from earthward.store.tables import open as open_store

    path = tmp_path / "ledger.db"
    open_store(f"sqlite:///{path}").dispose()
    reading: Reading = assess(path).files[0]
    assert (reading.format, reading.usage) == ("Earthward's ledger", 0)


def test_huge_counts_do_not_overflow(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    row = {
        "start_time": 1730419200,
        "end_time": 1730505600,
        "num_model_requests": 1,
        "input_tokens": 10**13,
        "output_tokens": 0,
    }
    path.write_text("\n".join(json.dumps({**row, "model": "gpt-4o"}) for _ in range(3)))
    assert assess(path).total.input == 3 * 10**13
    assert assess(path).total.cost == 3 * 10**13 * 2500


def test_a_count_that_cannot_be_is_left_out_and_told(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text(
        "time,model,input_tokens,output_tokens\n2025-11-01,gpt-4o,1,1\n2025-11-01,gpt-4o,99999999999999999,1\n"
    )
    assert assess(path).files[0].skipped == {"has a number that can't be in `input_tokens`": 1}


def test_an_amount_too_large_for_money_is_left_out_and_told(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text(f"time,model,input,output,cost\n2025-11-01,gpt-4o,1,1,{'9' * 32}\n")
    assert assess(path).files[0].skipped == {"has no number in `cost`": 1}


def test_rows_without_an_id_are_not_taken_for_each_other(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text("id,time,model,input,output\n" + ",2025-11-01,gpt-4o,1,1\n" * 3)
    found = assess(path)
    assert (found.duplicates, found.total.requests) == (0, 3)


def test_windows_line_ends_and_a_byte_order_mark_are_taken(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_bytes(b"\xef\xbb\xbftime,model,input,output\r\n2025-11-01,gpt-4o,1,1\r\n")
    assert assess(path).total.requests == 1


def test_lines_within_quotes_are_one_row(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text('time,model,input,output,task\n2025-11-01,gpt-4o,1,1,"two\nlines"\n2025-11-01,gpt-4o,x,1,a\n')
    reading = assess(path).files[0]
    assert (reading.usage, reading.examples[0].line) == (1, 4)


def test_a_time_of_another_unit_or_a_date_without_dashes_is_left_out_and_told(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text("time,model,input,output\n1700000000,gpt-4o,1,1\n1700000000000,gpt-4o,1,1\n20260115,gpt-4o,1,1\n")
    found = assess(path)
    assert found.files[0].skipped == {"has a time that can't be in `time`": 2}
    assert found.last == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize("count", ["-1", "9223372036854775807"])
def test_counts_in_columns_of_any_name_are_looked_at(count: str, assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text(f"when,m,in,out\n2025-11-01,gpt-4o,{count},1\n2025-11-02,gpt-4o,7,1\n")
    found = assess(path, columns={"time": "when", "model": "m", "input": "in", "output": "out"})
    assert (found.total.input, found.files[0].rows, found.files[0].usage) == (7, 2, 1)


@pytest.mark.parametrize("count", ["-5", "9223372036854775807"])
def test_counts_within_json_are_looked_at(count: str, assess: Assess, tmp_path: Path) -> None:
    text = (SAMPLES / "otel_spans.jsonl").read_text()
    path = tmp_path / "spans"
    path.write_text(text + text.replace('"intValue":"1000"', f'"intValue":"{count}"').replace('"1000"', f'"{count}"'))
    before, found = assess(SAMPLES / "otel_spans.jsonl"), assess(path)
    assert found.total.input == before.total.input
    assert "has a count of `input` that can't be" in found.files[0].skipped


def test_tokens_kept_for_an_hour_cost_what_an_hour_costs(assess: Assess, tmp_path: Path) -> None:
    path = changed(tmp_path, "anthropic_usage.csv", ("35000,5000,0,200000,7000", "35000,5000,1000,200000,7000"))
    sonnet = next(it for it in assess(path).by_model if "sonnet" in it.name)
    assert sonnet.cost == 35_000 * 3000 + 5_000 * 3750 + 1_000 * 6000 + 200_000 * 300 + 7_000 * 15_000


def test_what_google_bills_by_the_character_has_no_tokens_and_no_cost(assess: Assess, tmp_path: Path) -> None:
    path = changed(tmp_path, "google_billing.csv", ("Text Input - Predictions", "Text Input Characters"))
    found = assess(path)
    assert (found.total.input, found.total.unpriced, found.unknown_tokens) == (0, 1, 1)


def test_shadows_and_judges_in_a_ledger_are_no_usage(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    head, first, second = (SAMPLES / "earthward_ledger.csv").read_text().splitlines()[:3]
    rows = (head + ",path", first + ",/v1/chat/completions", first.replace("01A", "01C") + ",/earthward/shadow")
    path.write_text("\n".join((*rows, second.replace("01B", "01D") + ",/earthward/judge")) + "\n")
    found = assess(path)
    assert (found.total.requests, found.files[0].skipped) == (1, {"is other than usage": 2})


@pytest.mark.parametrize(
    ("days", "requests"), [((15,), 30_417), ((15, 16), 30_417), (range(1, 31), 30_417)], ids=["one", "two", "month"]
)
def test_sums_by_the_day_stand_for_whole_days(
    days: tuple[int, ...], requests: int, assess: Assess, tmp_path: Path
) -> None:
    path = tmp_path / "usage"
    rows = (f"2025-11-{day:02},gpt-4o,1000,500000,200000" for day in days)
    path.write_text("\n".join(("date,model,requests,input_tokens,output_tokens", *rows)) + "\n")
    work = assess(path).work
    assert work is not None
    assert work.requests_a_month == requests


def test_an_array_too_deep_is_refused(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "usage"
    path.write_text("[" * 200_000)
    with pytest.raises(Unreadable, match="is of no format that is known"):
        assess(path)


@pytest.mark.parametrize(
    "told",
    [
        '""cache_read_input_tokens"": 800, ""cache_creation_input_tokens"": 0',
        '""cache_read_input_tokens"": 0, ""prompt_tokens_details"": {""cached_tokens"": 800}',
        '""prompt_tokens_details"": {""cached_tokens"": 800}',
    ],
)
def test_what_litellm_tells_of_a_cache_has_the_price_of_a_cache(told: str, assess: Assess, tmp_path: Path) -> None:
    metadata = ('{""usage_object"": {""x"": 1}}', f'{{""additional_usage_values"": {{{told}}}}}')
    before = assess(SAMPLES / "litellm_spend.csv").total
    found = assess(changed(tmp_path, "litellm_spend.csv", metadata)).total
    assert (found.input, found.cached) == (before.input, 800)
    assert before.cost is not None
    assert found.cost == before.cost - 800 * 75
