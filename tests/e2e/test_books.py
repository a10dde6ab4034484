"""A gateway that knows what its own machine costs: what a caller's requests are booked as."""

import contextlib
import http.server
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import Gateway, Simulator, config, running, until

MONEY = """\
own_costs:
  llama: {{amortisation: 0.01, idle_watts: 50, busy_watts: 400, kwh_price: 0.30, slots: 4}}
budgets:
  - {{name: goal, savings: 0.000001, every: day, webhook: "http://127.0.0.1:{port}/hook"}}
"""


@pytest.fixture
def hook() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A webhook, and what it was told."""
    told: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1], told
        server.shutdown()
        thread.join()


def booked(gateway: Gateway) -> list[tuple[Any, ...]]:
    query = (
        "SELECT purpose, zone, sum(requests), sum(cost), sum(own_cost), sum(counterfactual), sum(saved) "
        "FROM money_sums WHERE grain = 1440 GROUP BY purpose, zone ORDER BY purpose, zone"
    )
    with contextlib.closing(sqlite3.connect(f"file:{gateway.database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def test_requests_at_home_are_booked_with_what_they_saved_and_the_goal_is_told_once(
    tmp_path: Path, hook: tuple[int, list[dict[str, Any]]]
) -> None:
    port, told = hook
    cloud, local = Simulator(tmp_path, name="cloud"), Simulator(tmp_path, name="local")
    with running(cloud, local):
        gateway = Gateway(tmp_path, config(cloud, local, share="100%", extra=MONEY.format(port=port)))
        with running(gateway):
            for _ in range(5):
                assert gateway.chat()[0] == 200
            gateway.rows(5)
            (row,) = until(lambda: [it for it in booked(gateway) if it[2] == 5], "five exchanges to be booked")
            until(lambda: told, "the webhook to be told")
            gateway.chat()
            until(lambda: [it for it in booked(gateway) if it[2] == 6], "the sixth exchange to be booked")
    purpose, zone, _, cost, own, counterfactual, saved = row
    assert (purpose, zone, cost) == ("serve", "local", 0)
    assert counterfactual > own > 0
    assert saved == counterfactual - own
    assert [it["budget"] for it in told] == ["goal"]
