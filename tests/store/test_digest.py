import hashlib
import hmac
import stat
import subprocess
import sys

from earthward.store.digest import digest_of, pepper

PEPPER = b"pepper of a test"


def test_the_digest_is_a_keyed_hash_that_another_pepper_does_not_make():
    assert digest_of(PEPPER, b"key") == hmac.new(PEPPER, b"key", hashlib.sha256).digest()
    assert digest_of(PEPPER, b"key") != digest_of(b"another", b"key")


def test_the_pepper_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    state = tmp_path / "state"
    made = pepper(state)
    assert len(made) >= 32
    assert pepper(state) == made
    assert stat.S_IMODE((state / "pepper").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert [path.name for path in state.iterdir()] == ["pepper"]


def test_processes_that_make_the_pepper_at_the_same_time_agree_on_it(tmp_path):
    code = (
        "import sys, pathlib; from earthward.store.digest import pepper; print(pepper(pathlib.Path(sys.argv[1])).hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "state")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    peppers = {process.communicate()[0] for process in processes}
    assert len(peppers) == 1
    assert len(peppers.pop()) > 64
