import os

import pytest

from crowd import many_files_open
from earthward.cli.demo_stage import CLAUDE, GPT, HAIKU, LOCAL, MINI, SHARE, CannotPlay, Child, configuration
from earthward.config.compile import compile
from earthward.config.load import read


def test_what_the_demo_runs_is_a_sound_configuration_with_a_list_price(tmp_path):
    written = configuration("http://127.0.0.1:1001", "http://127.0.0.1:1002/v1".removesuffix("/v1"))
    snapshot = compile(read(written.encode(), tmp_path / "earthward.yaml"))
    assert [(route.baseline, route.candidate, route.share) for route in snapshot.routes] == [
        (MINI, LOCAL, SHARE * 100),
        (HAIKU, LOCAL, SHARE * 100),
    ]
    targets = {target.name: target for target in snapshot.targets}
    assert (targets[MINI].model, targets[HAIKU].model) == (GPT, CLAUDE)
    assert (targets[MINI].price.input, targets[HAIKU].price.input) == (150_000, 1_000_000)
    assert targets[MINI].zone == targets[HAIKU].zone == "cloud"
    assert targets[LOCAL].zone == "local"
    assert targets[LOCAL].price.input is None, "not free: not known"


def test_a_child_says_that_it_is_up_however_many_files_are_open(tmp_path):
    with many_files_open():
        child = Child("cloud", "earthward.simulator", log=tmp_path / "log", env=os.environ)
        assert child.wait_up()["url"].startswith("http://127.0.0.1:")
        child.end()


def test_a_child_that_does_not_start_says_why(tmp_path):
    child = Child("cloud", "earthward.simulator", "--script", "not-there.json", log=tmp_path / "log", env=os.environ)
    with pytest.raises(CannotPlay, match=r"the cloud did not start: .*not-there\.json"):
        child.wait_up()
    child.end()
    assert not child.is_alive
