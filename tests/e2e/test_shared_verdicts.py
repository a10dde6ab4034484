"""What one worker has found out of an endpoint holds for all of them."""

import re
import time
from pathlib import Path

from harness import Gateway, Simulator, until

WORKERS = 4
CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house:
    kind: openai_compatible
    endpoints: ["{bad}/v1", "{good}/v1"]
    zone: local
    balance: round_robin
targets:
  llama: {{provider: house, model: llama}}
routes:
  - {{name: all, use: llama}}
"""


def metric(gateway: Gateway, name: str, labels: str) -> float:
    text = gateway.admin_get("/metrics")[2].decode()
    found = re.search(rf"^earthward_{name}\{{[^}}]*{re.escape(labels)}[^}}]*\}} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} {labels}"
    return float(found[1])


def test_an_endpoint_that_fails_five_times_in_a_row_is_left_alone_by_all_four_workers(
    tmp_path: Path, cloud: Simulator, local: Simulator
):
    cloud.script(default={"fault": "500"})
    gateway = Gateway(tmp_path, CONFIG.format(bad=cloud.url, good=local.url), workers=WORKERS)
    try:
        for _ in range(60):
            failed = len(cloud.asked())
            assert gateway.chat("llama")[0] == 200
            if metric(gateway, "endpoint_out", cloud.url) == 1.0:
                break
            if len(cloud.asked()) > failed:
                # Workers look for what others say twenty times a second; all four have had their turn by then.
                time.sleep(0.5)
        failed = len(cloud.asked())
        # Alone each of the four would have had to see five failures in a row: seventeen to be sure of the first.
        assert 5 <= failed <= 5 + WORKERS - 1
        assert metric(gateway, "endpoint_ejections_total", cloud.url) >= 1
        assert metric(gateway, "endpoint_out", local.url) == 0.0
        cloud.script(default={})
        until(
            lambda: gateway.chat("llama")[0] == 200 and metric(gateway, "endpoint_out", cloud.url) == 0.0,
            "the endpoint to be back for all",
        )
    finally:
        gateway.stop()
