"""What the ledger's records of a demo come to: a line for each model asked for, arm and who served, and one for all.

Pure: records and prices go in, lines come out.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from earthward.chat.usage import Count
from earthward.config.snapshot import Price
from earthward.cost.exchange import cost
from earthward.ledger.record import Record
from earthward.ledger.summary import Summary, Totals, summary, totals


class Line(msgspec.Struct, frozen=True):
    """`sums` are what `earthward ledger summary` shows, `asked_for` is the name of a model. `saved` is in nano-dollars:
    what the requests would have cost at the price of the models they asked for, less what they did cost. What has no
    price counts as nothing there.
    """

    asked_for: str
    sums: Summary
    conversations: int
    saved: int

    def plain(self) -> dict[str, Any]:
        own = {"asked_for": self.asked_for, "conversations": self.conversations, "saved": self.saved}
        return msgspec.structs.asdict(self.sums) | own


class Figures(msgspec.Struct, frozen=True):
    """`lines` are in the order of `prices`. Of each model the baseline's come first; then the candidate's, by whoever
    served it most.
    """

    lines: tuple[Line, ...]
    all: Line


def figures(records: Sequence[Record], prices: Mapping[str, Price]) -> Figures:
    """`prices` are those of the models that were asked for, all of them."""
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.requested_model, record.arm, record.target].append(record)
    lines = [line(*place, group, prices) for place, group in groups.items()]
    order = list(prices)
    lines.sort(key=lambda line: (order.index(line.asked_for), line.sums.arm, -line.sums.requests))
    return Figures(tuple(lines), line("", "all", "", records, prices))


def line(asked_for: str, arm: str, target: str, records: Sequence[Record], prices: Mapping[str, Price]) -> Line:
    ttfts = Counter(record.first_content for record in records if record.first_content is not None)
    conversations = len({record.unit for record in records})
    money = sum(saved(record, prices[record.requested_model]) for record in records)
    return Line(asked_for, summary(arm, target, Totals(*totals(records)), ttfts), conversations, money)


def saved(record: Record, asked_for: Price) -> int:
    """Nothing where the tokens are not known: it is not for us to guess.

    What a local server found in its own prompt cache counts in full: no vendor caches prompts as short as these.
    """
    usage = msgspec.structs.replace(record.usage, cached=Count.reported(0), cache_written=Count.reported(0))
    would_have_cost = cost(asked_for, usage)
    return 0 if would_have_cost is None else would_have_cost - (record.cost or 0)
