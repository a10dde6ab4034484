"""What must never start. How a start goes otherwise is tried end to end."""

from pathlib import Path

import pytest

from earthward.gateway.start import prepare, refuse_unlocked_beyond_loopback
from earthward.gateway.supervisor import CannotStart, Supervisor

BEYOND = (
    "0.0.0.0",
    "::",
    "",
    "10.0.0.1",
    "192.168.1.5",
    "fd00::1",
    "::ffff:0.0.0.0",
    "gateway",
    "localhost.example.com",
)


@pytest.mark.parametrize("host", BEYOND)
def test_without_keys_nothing_is_opened_beyond_loopback_whatever_host_is_asked_for(host: str) -> None:
    with pytest.raises(CannotStart, match="for loopback only"):
        refuse_unlocked_beyond_loopback("open", host)
    for auth in ("keys", "passthrough"):
        refuse_unlocked_beyond_loopback(auth, host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_loopback_it_may_be_open(host: str) -> None:
    refuse_unlocked_beyond_loopback("open", host)


SOUND = """
state: {state}
providers: {{house: {{kind: ollama}}}}
targets: {{llama: {{provider: house, model: "llama3.1:8b"}}}}
routes: [{{name: all, use: llama}}]
"""


@pytest.mark.parametrize(
    ("state", "why"), [("a-file", "exists"), ("a-file/in-it", "Not a directory"), ("/proc/none", "No such file")]
)
def test_a_state_folder_that_can_not_be_written_to_is_told(tmp_path: Path, state: str, why: str) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "earthward.yaml").write_text(SOUND.format(state=state))
    with pytest.raises(CannotStart, match=f"can't write in the state folder .*{why}.* set another `state`"):
        prepare(tmp_path / "earthward.yaml")


def test_a_state_folder_that_can_not_be_written_to_any_more_is_told_too(tmp_path: Path) -> None:
    """Its files are there from the run before, so nothing is written before the supervisor begins."""
    (tmp_path / "earthward.yaml").write_text(SOUND.format(state="state"))
    boot = prepare(tmp_path / "earthward.yaml")
    (tmp_path / "state" / "supervisor.lock").mkdir()
    with pytest.raises(CannotStart, match="can't write in the state folder"):
        Supervisor(boot, 1, lambda _: None).run()
