import json

from click.testing import Result
from typer.testing import CliRunner

from earthward.cli import application
from harness import until


def compat(folder: str) -> Result:
    return CliRunner().invoke(application(("assess", "prices")), ["assess", "compat", folder, "--json"])


def test_a_gateway_that_observes_counts_what_would_break_and_keeps_no_word(start, cloud):
    gateway = start(cloud, extra="observe: true")
    for _ in range(3):
        assert gateway.chat(text="zebra", seed=7)[0] == 200
    folder = gateway.state / "observed"
    until(lambda: list(folder.glob("*.json")), "the counts")

    def counted():
        seen = json.loads(compat(str(folder)).output)["applications"]
        return seen[0] if [it["requests"] for it in seen] == [3] else None

    seen = until(counted, "three requests")
    assert {38: 3, 37: 3}.items() <= {one["number"]: one["requests"] for one in seen["meets"]}.items()
    assert all(b"zebra" not in file.read_bytes() for file in folder.iterdir())


def test_without_it_nothing_is_counted(start, cloud):
    gateway = start(cloud)
    gateway.chat()
    gateway.rows(1)
    assert not (gateway.state / "observed").exists()
