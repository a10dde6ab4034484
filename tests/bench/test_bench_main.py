import json
import subprocess
import sys
from pathlib import Path


def test_what_was_not_measured_is_said_and_makes_the_exit_status_3(tmp_path: Path) -> None:
    wanted = ("--short", "--only", "ready", "--gateways", "earthward", "--results", str(tmp_path), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "earthward.bench", *wanted],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert len(told["results"]["ready"]["earthward"]) == 1
    verdicts = {each["budget"]["figure"]: each["verdict"] for each in told["budgets"]}
    assert verdicts["rate.earthward/smg"] == "not measured"
    assert verdicts["ready"] != "not measured"
    (kept,) = tmp_path.glob("*.json")
    assert json.loads(kept.read_bytes()) == told["results"]
