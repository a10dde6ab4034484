from earthward.config.snapshot import Account, Quota, Spend
from earthward.gateway.limits_left import Left, is_of_rates, lines, remaining
from earthward.routing.limits import Use

NOW = Use(requests=3, tokens=40, requests_before=6, tokens_before=0, in_flight=2, into=30_000)
DAY = 20_000


def left(name: str = "web", spent: tuple[int, int, int] = (0, 0, 0), **quota: object) -> Left:
    return Left(Account("team", name, 0, Quota(**quota)), NOW, list(spent), DAY)


def told(dialect: str, *found: Left) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines(dialect, found).decode().splitlines())


def test_openais_callers_hear_it_in_openais_headers():
    assert told("openai_chat", left(rpm=10, tpm=100)) == {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "4",
        "x-ratelimit-reset-requests": "90s",
        "x-ratelimit-limit-tokens": "100",
        "x-ratelimit-remaining-tokens": "60",
        "x-ratelimit-reset-tokens": "90s",
    }


def test_anthropics_callers_hear_it_in_anthropics_headers():
    found = told("anthropic_messages", left(rpm=10))
    assert set(found) == {f"anthropic-ratelimit-requests-{what}" for what in ("limit", "remaining", "reset")}
    assert found["anthropic-ratelimit-requests-reset"].endswith("Z")


def test_of_several_limits_the_one_with_the_least_left_is_told():
    assert told("ollama", left(rpm=100), left(rpm=7), left(rpm=50))["x-ratelimit-limit-requests"] == "7"


def test_whoever_has_no_rates_hears_nothing_of_them():
    assert lines("openai_chat", [left(parallel=3, budgets=(Spend("day", 5),))]) == b""


def test_a_soft_budget_that_is_spent_is_told_and_no_name_can_end_a_line():
    found = left("we\r\nb: \u20ac", (7 * 10**9, 0, 0), budgets=(Spend("day", 90 * 10**9, 5 * 10**9),))
    assert lines("openai_chat", [found]) == (
        b"x-earthward-budget: team we??b: ?: $7.00 spent this day, soft limit $5.00\r\n"
    )


def test_what_is_left_of_each_limit_is_never_less_than_nothing():
    budgets = (Spend("month", 10 * 10**9, 5 * 10**9),)
    found = remaining(left(spent=(0, 0, 12 * 10**9), rpm=2, tpm=1000, parallel=1, budgets=budgets))
    assert [(it.limit, it.of, it.used, it.left, it.is_soft) for it in found] == [
        ("rpm", 2, 6.0, 0, False),
        ("tpm", 1000, 40.0, 960, False),
        ("parallel", 1, 2, 0, False),
        ("budget/month", 10.0, 12.0, 0.0, False),
        ("budget/month", 5.0, 12.0, 0.0, True),
    ]


def test_a_vendors_own_rates_are_known_by_their_names():
    assert is_of_rates(b"x-ratelimit-remaining-tokens")
    assert is_of_rates(b"anthropic-ratelimit-input-tokens-limit")
    assert not is_of_rates(b"retry-after")
