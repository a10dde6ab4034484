"""How a report words its figures: the same in HTML and in Markdown."""

from earthward.report.figures import Figures
from earthward.report.intervals import Interval

NANO = 1_000_000_000


def money(nano: float) -> str:
    dollars = nano / NANO
    sign = "-" if dollars < 0 else ""
    amount = abs(dollars)
    if amount >= 100:
        return f"{sign}${amount:,.0f}"
    return f"{sign}${amount:,.2f}" if amount >= 0.01 or amount == 0 else f"{sign}${amount:.2g}"


def percent(share: float) -> str:
    # A number stays on one line with its sign.
    return f"{share * 100:.2f}\u00a0%" if 0 < share < 0.1 else f"{share * 100:.0f}\u00a0%"


def spread(of: Interval | None, word: object = money) -> str:
    """A value with its interval in words."""
    if of is None:
        return "not enough data"
    assert callable(word)
    return f"{word(of.value)} ({word(of.low)} to {word(of.high)})"


def seen(share: Interval | None, score: float | None = None) -> str:
    """What an arm showed of a metric: a share of bad requests, or the mean score against the other arm."""
    if score is not None:
        return f"{score:.2f} (0.50 is a tie)"
    return spread(share, percent) if share else "\u2013"


def milliseconds(nanoseconds: float) -> str:
    if nanoseconds >= 1e9:
        return f"{nanoseconds / 1e9:.1f} s"
    return f"{nanoseconds / 1e6:.0f} ms"


def headline(of: Figures) -> str:
    """What somebody who reads one sentence should know."""
    if not of.days:
        return "Nothing is on record for these days."
    total = sum(it.local + it.cloud for it in of.days)
    local = sum(it.local for it in of.days)
    share = percent(local / total) if total else "0 %"
    if of.displaced and of.unknown_saved == of.displaced:
        return f"{share} of {total:,} requests were served at home. What that saved can't be told without own costs."
    verb = "saved" if of.saved >= 0 else "cost more than the cloud by"
    amount = money(abs(of.saved))
    if of.saved >= 0:
        when = "so far" if of.saved == of.saved_to_date else "in these days"
        return f"{amount} saved {when}; {share} of {total:,} requests were served at home."
    return f"Serving at home {verb} {amount}; {share} of {total:,} requests were served there."


def caveats(of: Figures) -> list[str]:
    """What keeps the figures from being exact."""
    said = []
    if of.unknown_saved:
        said.append(
            f"{of.unknown_saved:,} of {of.displaced:,} requests served at home have no known own cost or no known "
            "price of the model that was asked for. They count as nothing saved."
        )
    if of.unknown_costs:
        said.append(f"{of.unknown_costs:,} attempts have no known cost. What was paid is more than shown.")
    if of.estimated:
        said.append(f"{of.estimated:,} attempts broke off before their tokens were told; theirs are estimates.")
    if of.projected is None and of.days:
        said.append("There is less than a week of data, so nothing is projected.")
    said.append(
        "Savings compare with the list price of the model that was asked for. What the cloud would have counted as "
        "tokens is estimated from characters once it has served enough of them itself."
    )
    if of.kilowatt_hours is not None:
        said.append("Energy is of own machines only, above idling. What clouds use for a request is not published.")
    return said
