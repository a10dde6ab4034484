"""Ctrl-C while a command is still being loaded."""

import subprocess
import sys

import pytest

CODE = """
import sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == {loading!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
sys.argv = ["earthward", "keys", "list"]
from earthward.cli import main
main()
"""


@pytest.mark.parametrize("loading", ["typer", "earthward.cli.keys", "sqlalchemy"])
def test_a_command_that_is_interrupted_while_it_loads_ends_without_a_traceback(loading: str) -> None:
    command = [sys.executable, "-c", CODE.format(loading=loading)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "")
