import json
import subprocess
import sys
from pathlib import Path


def test_what_was_not_measured_is_said_and_no_budget_counts_as_met_for_it(tmp_path: Path) -> None:
    wanted = ("--short", "--only", "ready", "--gateways", "earthward", "--results", str(tmp_path), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "earthward.bench", *wanted],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    told = json.loads(done.stdout)
    missed = any(each["verdict"] == "missed" and not each["budget"]["is_aim"] for each in told["budgets"])
    assert done.returncode == (1 if missed else 3), done.stderr
    assert len(told["results"]["ready"]["earthward"]) == 1
    verdicts = {each["budget"]["figure"]: each["verdict"] for each in told["budgets"]}
    assert verdicts["rate.earthward/smg"] == "not measured"
    assert verdicts["ready"] != "not measured"
    (kept,) = tmp_path.glob("*.json")
    assert json.loads(kept.read_bytes()) == told["results"]
