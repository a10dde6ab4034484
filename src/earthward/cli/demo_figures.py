"""What the ledger's records of a demo come to: a line for each arm and who served it, and one for all.

Pure: records and a price go in, lines come out.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from earthward.chat.usage import Count
from earthward.config.snapshot import Price
from earthward.cost.exchange import cost
from earthward.ledger.record import Record
from earthward.ledger.summary import Summary, Totals, add, summary, totals


class Line(msgspec.Struct, frozen=True):
    """`sums` are what `earthward ledger summary` shows. `saved` is in nano-dollars: what the requests would have cost
    at the price of the model they asked for, less what they did cost. What has no price counts as nothing there.
    """

    sums: Summary
    conversations: int
    saved: int

    def plain(self) -> dict[str, Any]:
        own = {"conversations": self.conversations, "saved": self.saved}
        return msgspec.structs.asdict(self.sums) | own


class Figures(msgspec.Struct, frozen=True):
    """`lines` begin with the baseline; then comes the candidate, by whoever served it most."""

    lines: tuple[Line, ...]
    all: Line


def figures(records: Sequence[Record], asked_for: Price) -> Figures:
    """Of records that all asked for the model with that price."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.arm, record.target].append(record)
    lines = [line(*place, group, asked_for) for place, group in groups.items()]
    lines.sort(key=lambda line: (line.sums.arm, -line.sums.requests))
    return Figures(tuple(lines), line("all", "", records, asked_for))


def line(arm: str, target: str, records: Sequence[Record], asked_for: Price) -> Line:
    sums = [0] * len(Totals.__struct_fields__)
    for record in records:
        add(sums, totals(record))
    ttfts = Counter(record.first_content for record in records if record.first_content is not None)
    conversations = len({record.unit for record in records})
    money = sum(saved(record, asked_for) for record in records)
    return Line(summary(arm, target, Totals(*sums), ttfts), conversations, money)


def saved(record: Record, asked_for: Price) -> int:
    """Nothing where the tokens are not known: it is not for us to guess.

    What a local server found in its own prompt cache counts in full: OpenAI caches no prompt as short as these.
    """
    usage = msgspec.structs.replace(record.usage, cached=Count.reported(0), cache_written=Count.reported(0))
    would_have_cost = cost(asked_for, usage)
    return 0 if would_have_cost is None else would_have_cost - (record.cost or 0)
