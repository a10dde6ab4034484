"""The file `money.yaml` beside the configuration: prices, own costs, budgets, retention. Read anew when it changes."""

import logging
from pathlib import Path

from earthward.config.money import Money, load_money
from earthward.config.problems import ConfigErrors

log = logging.getLogger(__name__)

NAME = "money.yaml"


class MoneyFile:
    """A file that is not there says nothing. One that is wrong is told once, and what was read before stays."""

    def __init__(self, config: Path) -> None:
        self.path = config.parent / NAME
        self.problem: str | None = None
        self._seen: tuple[int, int] | None = None
        self._money = Money()

    def current(self) -> Money:
        try:
            found = self.path.stat()
        except OSError:
            self._seen, self._money = None, Money()
            return self._money
        seen = (found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            self._seen = seen
            try:
                self._money, self.problem = load_money(self.path), None
            except ConfigErrors as errors:
                self.problem = str(errors)
                log.error("what money.yaml says is not taken over:\n%s", errors)
        return self._money
