import pytest

from earthward.config.values import (
    MOST_TOKENS,
    Trickle,
    address,
    drill,
    duration,
    header_name,
    name,
    objective,
    origin,
    period,
    proxy,
    share,
    size,
    spans_of_week,
    token_range,
    url,
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("http://gpu-1:8000/v1", "http://gpu-1:8000/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("HTTPS://API.OpenAI.com/V1", "https://api.openai.com/V1"),
        ("http://10.0.0.1", "http://10.0.0.1"),
        ("http://[fd00::1]:8000/v1", "http://[fd00::1]:8000/v1"),
        ("https://xn--bcher-kva.example/v1", "https://xn--bcher-kva.example/v1"),
        ("http://gpu_1.lan:1/v1", "http://gpu_1.lan:1/v1"),
    ],
)
def test_urls_are_read_in_one_form(text: str, read: str) -> None:
    assert url(text) == read


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "gpu-1",
            "gpu-1:8000",
            "//gpu-1",
            "/v1",
            "ftp://a",
            "file:///etc/passwd",
            "gopher://a:70/",
            "javascript:x",
        ),
        *("http://", "http:///v1", "http://:80/", "http://a:", "http://a:0", "http://a:99999", "http://a:b/"),
        *("http://u@a/", "http://u:p@a/", "http://@a/", "http://a@b@c/", "http://a/?q=1", "http://a/?", "http://a/#f"),
        *(
            "http://a b/",
            "http://a/b c",
            "http://a\t/",
            "http://a\n/",
            "http://a\r\nhost: b/",
            " http://a",
            "http://a\x00/",
        ),
        *("http://a\\b/", "http:\\\\a/", "http://ä.example/", "http://a/ü", "http://a..b/", "http://.a/", "http://-a/"),
        *("http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://1.2.3.4.5/"),
        *("http://[::1", "http://::1/", "http://[fe80::1%25eth0]/", "http://[]/", "http://a%2eb/", "http://%31/"),
        *(
            "http://169.254.169.254/",
            "http://169.254.1.1/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:169.254.169.254]/",
        ),
        *("http://metadata.google.internal/", "http://metadata/", "http://100.100.100.200/", "http://[fe80::1]/"),
        "http://" + "a" * 64 + "/",
        "http://" + ".".join(["a" * 60] * 5) + "/",
    ],
)
def test_what_is_no_place_for_a_model_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError) as error:
        url(text)
    assert len(text) < 12 or text not in str(error.value)


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("10s", 10), ("1.5 s", 1.5), ("5m", 300), ("2h", 7200)])
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("value", [10, 1.5, "10", "", "s", "-1s", "0s", "0.0ms", "1d", "10 seconds", None, True, "٣s"])
def test_durations_without_a_unit_or_a_sense_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="takes a time above zero"):
        duration(value)


@pytest.mark.parametrize(("text", "count"), [("1 B", 1), ("64 KB", 65536), ("32MB", 33554432)])
def test_sizes_are_bytes(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("value", [5, "5", "0 KB", "-1 MB", "1 GB", "1.5 MB", None])
def test_sizes_without_a_unit_or_a_sense_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="takes a size above zero"):
        size(value)


@pytest.mark.parametrize(("text", "parts"), [("0%", 0), ("25%", 2500), ("12.5 %", 1250), ("0.01%", 1), ("100%", 10000)])
def test_shares_are_ten_thousandths(text: str, parts: int) -> None:
    assert share(text) == parts


@pytest.mark.parametrize("value", [25, 0.25, "25", "-1%", "100.01%", "0.001%", "%", "1e1%", None])
def test_shares_that_are_no_percentage_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"percentage|more than|finer"):
        share(value)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:4000", "127.0.0.1", 4000),
        ("[::1]:0", "::1", 0),
        ("localhost:1", "localhost", 1),
        ("0.0.0.0:80", "0.0.0.0", 80),
    ],
)
def test_addresses_are_a_host_and_a_port(text: str, host: str, port: int) -> None:
    assert address(text) == (host, port)


@pytest.mark.parametrize(
    "value", [4000, "4000", ":4000", "a:", "a:-1", "a:65536", "::1:80", "[::1]", "a b:1", "a:١", None]
)
def test_addresses_without_both_are_refused(value: object) -> None:
    with pytest.raises(ValueError):
        address(value)


def test_origins_are_a_scheme_and_a_host() -> None:
    assert origin("*") == "*"
    assert origin("https://App.example:8443") == "https://app.example:8443"
    for text in ("https://app.example/x", "https://app.example/", "app.example", "null", "https://*.example"):
        with pytest.raises(ValueError):
            origin(text)


def test_proxies_are_plain_http() -> None:
    assert proxy("http://proxy:3128") == "http://proxy:3128"
    for text in ("https://proxy:3128", "socks5://proxy:1", "http://proxy/x", "proxy:3128"):
        with pytest.raises(ValueError):
            proxy(text)


@pytest.mark.parametrize(
    "text", ["Host", "content-length", "Transfer-Encoding", "authorization", "X-Api-Key", "cookie", "a b", "", "ä"]
)
def test_headers_that_frame_or_authorise_are_not_for_configurations(text: str) -> None:
    with pytest.raises(ValueError):
        header_name(text)


def test_names_fit_in_a_header_and_a_file_name() -> None:
    assert name("gpt-4o_mini.2") == "gpt-4o_mini.2"
    for text in ("", "-a", ".", "..", "a/b", "a b", "ä", "a" * 65, "a\n"):
        with pytest.raises(ValueError):
            name(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<= 8000", (0, 8000)),
        ("<8000", (0, 7999)),
        ("> 8000", (8001, MOST_TOKENS)),
        (">=8000", (8000, MOST_TOKENS)),
        ("1000-8000", (1000, 8000)),
        ("5 - 5", (5, 5)),
    ],
)
def test_token_ranges_take_their_bounds_in(text, read) -> None:
    assert token_range(text) == read


@pytest.mark.parametrize(
    "text", ["", "8000", "< 0", "9-3", "=8000", "-5", "1e3", "> 10000000000", 8000, None, "<= -1", "< 8k"]
)
def test_what_is_no_token_range_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"tokens"):
        token_range(text)


def at(day: int, hour: int, minute: int = 0) -> int:
    return (day * 24 + hour) * 60 + minute


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("mon-fri 08:00-18:00", [at(0, 8), at(4, 17, 59)], [at(0, 7, 59), at(4, 18), at(5, 12)]),
        ("22:00-06:00", [at(0, 22), at(1, 5, 59), at(6, 23), at(0, 3)], [at(0, 6), at(3, 21, 59)]),
        ("sun 20:00-04:00", [at(6, 23), at(0, 3, 59)], [at(0, 4), at(6, 19, 59), at(1, 3)]),
        ("sat-mon 00:00-24:00", [at(5, 0), at(6, 12), at(0, 23, 59)], [at(1, 0), at(4, 23, 59)]),
        ("Wed 12:30-12:31", [at(2, 12, 30)], [at(2, 12, 29), at(2, 12, 31)]),
    ],
)
def test_spans_of_the_week_may_run_over_midnight_and_over_sunday(text, inside, outside) -> None:
    spans = spans_of_week(text)
    assert all(any(start <= minute < end for start, end in spans) for minute in inside)
    assert not any(start <= minute < end for start, end in spans for minute in outside)
    assert all(0 <= start < end <= 7 * 24 * 60 for start, end in spans)


def test_several_spans_are_one_list() -> None:
    assert spans_of_week(["mon 08:00-09:00", "mon 10:00-11:00"]) == ((480, 540), (600, 660))


@pytest.mark.parametrize(
    "text", ["", "monday 08:00-18:00", "8:00-18:00", "08:00-25:00", "08:60-09:00", "08:00-08:00", "fri", 8, [None], {}]
)
def test_what_is_no_span_of_the_week_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"hours"):
        spans_of_week(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h", 3600), ("30d", 2_592_000), ("4 w", 2_419_200), ("3660d", 316_224_000)]
)
def test_periods_are_hours_days_and_weeks(text: str, seconds: int) -> None:
    assert period(text) == seconds


@pytest.mark.parametrize("value", ["0d", "30", 30, "30m", "-1d", "3661d", "99999w", None, "1.5d", "d"])
def test_what_is_no_period_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="takes hours, days or weeks"):
        period(value)


def test_an_objective_is_a_share_of_all_that_leaves_something_to_go_wrong() -> None:
    assert objective("99.95%") == 0.9995


@pytest.mark.parametrize("value", ["100%", "0%", "120%", "99.5", 99.5, "-1%", "all", None])
def test_what_leaves_no_error_budget_or_is_no_percentage_is_no_objective(value: object) -> None:
    with pytest.raises(ValueError, match=r"percentage|more than 0%"):
        objective(value)


@pytest.mark.parametrize("text", ["6/hour", "6/ h", "6 an hour", "6/h"])
def test_a_drill_is_a_share_or_so_many_an_hour(text: str) -> None:
    assert drill(text) == Trickle(per_hour=6)
    assert drill(text).every == 600.0
    assert drill("0.5%") == Trickle(share=50)
    assert drill("0.5%").every == 0.0


@pytest.mark.parametrize("value", ["6", 6, "6/day", "-6/hour", "6.5/hour", "99999/hour", "", None, ["6/hour"], True])
def test_other_drills_are_told_what_to_write(value: object) -> None:
    with pytest.raises(ValueError, match=r"such as 25%, or requests an hour, such as 6/hour"):
        drill(value)


def test_a_share_that_is_wrong_stays_so_as_a_drill() -> None:
    with pytest.raises(ValueError, match=r"is finer than 0\.01%"):
        drill("0.001%")
