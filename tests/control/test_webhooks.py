import contextlib
import hashlib
import hmac
import socket
import threading
import time
from pathlib import Path

import pytest

from earthward.config.snapshot import Hook
from earthward.control.webhooks import SIGNATURE, NotTold, tell
from receiver import receiving


def refused(hook: Hook) -> NotTold:
    with pytest.raises(NotTold) as problem:
        tell(hook, {"a": 1}, 0.0)
    return problem.value


def test_what_is_told_is_signed_with_its_time(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    with receiving() as receiver:
        tell(Hook("ops", receiver.url, f"file:{secret}"), {"text": "hi"}, 1700.9, "chat/1/0")
        ((headers, body),) = receiver.got
    at, _, found = headers[SIGNATURE].partition(",v1=")
    assert at == "t=1700"
    assert found == hmac.new(b"s3cret", b"1700." + body, hashlib.sha256).hexdigest()
    assert headers["x-earthward-event"] == "chat/1/0"
    assert body == b'{"text":"hi"}'


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for_to_its_end():
    """Each byte comes in time, the whole never does; and the line is broken off, so that nothing is left waiting."""
    broken_off = threading.Event()

    def drip(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line, contextlib.suppress(OSError):
            line.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while True:
                line.sendall(b"x")
                time.sleep(0.02)
        broken_off.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        hook = Hook("ops", f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with pytest.raises(NotTold, match=r"no whole answer within 0\.3 s"):
            tell(hook, {"a": 1}, 0.0, within=0.3)
        assert broken_off.wait(60)
        thread.join()


def test_without_a_secret_nothing_is_signed():
    with receiving() as receiver:
        tell(Hook("ops", receiver.url), {}, 0.0)
        ((headers, _),) = receiver.got
    assert SIGNATURE not in headers


def test_an_address_in_a_file_is_used_and_never_repeated(tmp_path: Path):
    address = tmp_path / "url"
    with receiving() as receiver:
        address.write_text(receiver.url + "?token=hidden")
        hook = Hook("ops", f"file:{address}")
        tell(hook, {"a": 1}, 0.0)
        receiver.statuses = [403, 302, 500]
        receiver.headers = {"location": "http://127.0.0.1:1/elsewhere", "retry-after": "7"}
        said = [refused(hook) for _ in range(3)]
        assert len(receiver.got) == 1
    assert [str(it) for it in said] == ["it answered 403", "it answered 302", "it answered 500"]
    assert {it.after for it in said} == {7.0}
    gone = str(refused(hook))
    assert gone == "it can't be reached: Connection refused"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("ftp://x.example", "its address is no http:// or https:// URL"),
        ("http://hooks.example/T0/secret", "which would send notices in the clear"),
        ("https://[", "its address is no http:// or https:// URL"),
        ("https://x y/", "can't be reached|InvalidURL|is no"),
        ("", "is empty"),
    ],
)
def test_an_address_that_is_none_is_told_without_it(tmp_path: Path, written: str, why: str):
    file = tmp_path / "url"
    file.write_text(written)
    with pytest.raises(NotTold, match=why) as problem:
        tell(Hook("ops", f"file:{file}"), {}, 0.0)
    assert "secret" not in str(problem.value)


def test_references_that_lead_nowhere_are_told(tmp_path: Path):
    assert str(refused(Hook("ops", "env:EARTHWARD_NO_SUCH"))) == (
        "the environment variable EARTHWARD_NO_SUCH is not set or empty"
    )
    assert "can't read the file" in str(refused(Hook("ops", f"file:{tmp_path}/none")))
