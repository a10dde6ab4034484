import re
import sys
from pathlib import Path

import psutil
import pytest

from earthward.bench import peers
from earthward.bench.peers import GATEWAYS, TEMPLATES, Launch, Missing, Place, Running
from earthward.engine.ports import free_port

FILLED_IN = sorted(file.name for file in TEMPLATES.iterdir() if file.suffix in (".conf", ".yaml"))


@pytest.mark.parametrize("name", FILLED_IN)
def test_every_word_of_a_template_is_filled_in(name: str, tmp_path: Path) -> None:
    file = peers.filled(name, Place(4242, tmp_path), 4000, ADMIN=4001)
    assert not re.findall(r"@[A-Z]+@", file.read_text())
    assert str(tmp_path) in file.read_text() or "4242" in file.read_text()


def test_a_template_that_is_not_there_says_that_a_checkout_is_needed(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="checkout"):
        peers.filled("nobody.conf", Place(1, tmp_path), 1)


def test_a_peer_that_is_not_installed_says_how_to_install_it() -> None:
    with pytest.raises(Missing, match="make bench-peers"):
        peers.installed("nobody", "bin", "nobody")
    with pytest.raises(Missing, match="make bench-peers"):
        peers.program("no-program-has-this-name")


def test_earthward_stands_in_front_of_an_upstream_with_keys_and_is_gone_afterwards(tmp_path: Path) -> None:
    with (
        Running(peers.simulator(Place(0, tmp_path)), tmp_path / "upstream.log", None) as up,
        Running(GATEWAYS["earthward"](Place(up.launch.port, tmp_path)), tmp_path / "log", None) as gateway,
    ):
        processes = gateway.processes
        assert len(processes) == 3, "supervisor, worker, control process"
        assert gateway.ready_after > 0
        assert not peers.answers(Launch((), gateway.launch.port)), "it answered without a key"
    assert not any(psutil.pid_exists(process.pid) for process in processes)


def test_one_that_ends_instead_of_answering_is_missing_and_names_its_log(tmp_path: Path) -> None:
    launch = Launch((sys.executable, "-c", "raise SystemExit(7)"), free_port())
    with pytest.raises(Missing, match=f"status 7; see {tmp_path}"):
        Running(launch, tmp_path / "log", None)


def test_a_version_nobody_knows_is_none() -> None:
    assert peers.version("nobody") is None
