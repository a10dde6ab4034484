"""The whole way on real tokens: SmolLM2-135M against itself, judged by itself.

A model of this size is no judge: it mostly rambles, and what it says is seldom a verdict. What is shown here is that
the pipeline runs, that an equal candidate is not found to be worse, and that what can't be read is no tie.
`JUDGED_PAIRS=40` makes more pairs of it.
"""

import json
import os
import sqlite3
from contextlib import closing

from harness import Gateway, Simulator, until

PAIRS = int(os.environ.get("JUDGED_PAIRS", "1"))
CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  here: {{kind: embedded, context: 2048, slots: 2}}
  broken: {{kind: openai_compatible, base_url: "{broken}/v1"}}
targets:
  smol: {{provider: here, model: smollm2}}
  again: {{provider: here, model: smollm2}}
  judge: {{provider: here, model: smollm2}}
  soup: {{provider: broken, model: llama}}
routes:
  - {{name: itself, when: {{model: itself}}, baseline: smol, candidate: again, share: 0%, shadow: {{rate: 100%}},
     judge: judge}}
  - {{name: plain, when: {{model: plain}}, use: smol}}
  - {{name: soup, when: {{model: soup}}, baseline: smol, candidate: soup, share: 0%, shadow: {{rate: 100%}}}}
"""


def pairs(gateway: Gateway, route: str) -> list[dict]:
    with closing(sqlite3.connect(f"file:{gateway.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM pairs WHERE route = ?", (route,))]


def told(gateway: Gateway, route: str) -> dict:
    return json.loads(gateway.admin_get(f"/api/rollouts/{route}/quality?examples=3")[2])


def test_smollm2_is_no_worse_than_itself_and_a_broken_candidate_is_by_checks_alone(tmp_path):
    broken = Simulator(tmp_path, name="broken")
    broken.script(default={"text": "words", "tokens": 12, "finish": "length"})
    gateway = Gateway(tmp_path, CONFIG.format(broken=broken.url))
    try:
        until(lambda: gateway.chat("plain", max_tokens=1)[0] == 200, "the model to be loaded", 120)
        until(lambda: json.loads(gateway.admin_get("/api/status")[2])["store"] == "ok", "the store")
        for number in range(PAIRS):
            assert gateway.chat("itself", text=f"Name {number + 2} animals in one sentence.", max_tokens=24)[0] == 200
        for number in range(4):
            assert gateway.chat("soup", text=f"Say hello to {number} people.", max_tokens=200)[0] == 200
        until(lambda: len(pairs(gateway, "itself")) >= PAIRS, f"{PAIRS} pairs", 60 + 60 * PAIRS)
        until(lambda: len(pairs(gateway, "soup")) >= 4, "4 pairs with the broken candidate", 60)
        itself, soup = told(gateway, "itself"), told(gateway, "soup")
        print(json.dumps(itself["tasks"], indent=1), json.dumps(soup["tasks"], indent=1))
        assert itself["tasks"][0]["low"] <= 0.5 <= itself["tasks"][0]["high"]
        assert itself["verdict"] != "not yet"
        assert any("same family" in warning for warning in itself["warnings"])
        assert all(example["content"]["candidate"]["text"] for example in itself["examples"])
        cut = soup["tasks"][0]["candidate_bad"].get("truncated", 0)
        assert cut >= 2, "whatever of the model's own answers was whole shows that the other's was not"
    finally:
        gateway.stop()
        broken.stop()
