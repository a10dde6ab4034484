import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest
import yaml

from earthward.cli.reference_metrics import families
from earthward.cli.rollout_notify import rules
from earthward.rollout.state import Phase
from harness import earthward
from receiver import receiving

CONFIG = """\
auth: open
notify:
  ops: {{url: "{url}", secret: env:OPS_SECRET}}
  chat: {{url: env:CHAT_URL, format: slack}}
providers: {{house: {{kind: ollama}}}}
targets: {{llama: {{provider: house, model: llama}}}}
routes: [{{name: all, use: llama}}]
"""
ALERTS = Path(__file__).parents[2] / "docs" / "reference" / "alerts.yml"
EXPRESSION = re.compile(r'([a-z_]+)(?:\{([a-z]+)(?:=|!=|=~)"([^"]*)"\})? (?:==|>) [0-9]+')


def notify(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return earthward("rollout", "notify", "-c", str(folder / "earthward.yaml"), *arguments, env=env)


def test_a_hook_is_tried_and_what_it_says_is_told(tmp_path):
    with receiving() as receiver:
        (tmp_path / "earthward.yaml").write_text(CONFIG.format(url=receiver.url))
        done = notify(tmp_path, "--json", OPS_SECRET="s", CHAT_URL=receiver.url)
        assert done.returncode == 0, done.stderr
        assert [it["told"] for it in json.loads(done.stdout)] == [True, True]
        assert receiver.bodies[0]["event"] == "test"
        assert list(receiver.bodies[1]) == ["text"]
        receiver.statuses = [500]
        refused = notify(tmp_path, "chat", CHAT_URL=receiver.url)
        assert (refused.returncode, refused.stdout) == (1, "chat: not told: it answered 500\n")
    gone = notify(tmp_path, "ops")
    assert gone.returncode == 1
    assert "OPS_SECRET is not set" in gone.stdout


def test_what_is_asked_wrongly_is_told(tmp_path):
    (tmp_path / "earthward.yaml").write_text(CONFIG.format(url="https://x.example"))
    unknown = notify(tmp_path, "chta")
    assert (unknown.returncode, "did you mean `chat`" in unknown.stderr) == (2, True)
    (tmp_path / "earthward.yaml").write_text(CONFIG.format(url="https://x.example").replace("notify", "notfy"))
    assert notify(tmp_path).returncode == 2


def test_the_rules_on_record_are_those_that_are_printed():
    assert ALERTS.read_text() == rules(), "run `make docs`"


@pytest.mark.parametrize("rule", yaml.safe_load(rules())["groups"][0]["rules"], ids=lambda rule: rule["alert"])
def test_every_rule_asks_for_a_metric_that_is_shown_with_labels_that_it_has(rule):
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[0-9]+[smh]", rule.get("for", "0s"))
    found = EXPRESSION.fullmatch(rule["expr"])
    assert found, rule["expr"]
    name, label, _ = found.groups()
    shown = {family.name: {label for sample in family.samples for label in sample.labels} for family in families()}
    assert name in shown
    asked = {label} - {None} | set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert asked <= shown[name]


def test_a_rule_asks_for_phases_that_there_are():
    rules_of = yaml.safe_load(rules())["groups"][0]["rules"]
    asked = {phase for rule in rules_of for phase in re.findall(r'phase="([^"]+)"', rule["expr"])}
    assert asked == {"rolled back"}
    assert asked <= set(get_args(Phase))
