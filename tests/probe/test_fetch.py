import socket
import threading
from collections.abc import Callable

import pytest

from earthward.probe.fetch import LARGEST, Unreachable, get
from probe.stand import standing


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_an_answer_is_its_status_its_headers_and_its_body() -> None:
    with standing({"/x": {"a": 1}}, {"Date": "now"}) as stand:
        answer = get(f"{stand.url}/x", headers={"x-api-key": "k"})
        assert (answer.status, answer.headers["date"], answer.body) == (200, "now", b'{"a": 1}')
        assert get(f"{stand.url}/y").status == 404
    assert stand.asked[0][2]["x-api-key"] == "k"


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with standing({"/x": 302, "/y": {}}, {"Location": "/y"}) as stand:
        assert get(f"{stand.url}/x").status == 302
    assert [path for _, path, _ in stand.asked] == ["/x"]


def test_no_more_is_kept_than_a_list_can_have() -> None:
    with standing({"/x": b"x" * (LARGEST + 1000)}) as stand:
        assert len(get(f"{stand.url}/x").body) == LARGEST


def test_where_nobody_listens_it_says_so() -> None:
    with pytest.raises(Unreachable, match="refused"):
        get(f"http://127.0.0.1:{free_port()}/x")


def speaking(speak: Callable[[socket.socket], None]) -> int:
    """The port of a server that does this with its one caller."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as caller:
            caller.recv(65536)
            try:
                speak(caller)
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


def drip(caller: socket.socket) -> None:
    gone = threading.Event()
    caller.sendall(b"HTTP/1.1 200 OK\r\n")
    while not gone.wait(0.05):
        caller.sendall(b"x")


@pytest.mark.parametrize("speak", [drip, lambda caller: caller.recv(1)], ids=["a byte at a time", "silent"])
def test_a_server_that_never_ends_is_given_up(speak: Callable[[socket.socket], None]) -> None:
    with pytest.raises(Unreachable, match=r"no answer within 0\.4 s"):
        get(f"http://127.0.0.1:{speaking(speak)}/", seconds=0.4)


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH\r\n", b"", b"HTTP/1.1 many\r\n\r\n", b"\x00" * 100])
def test_what_speaks_no_http_is_no_server(said: bytes) -> None:
    with pytest.raises(Unreachable):
        get(f"http://127.0.0.1:{speaking(lambda caller: caller.sendall(said))}/")


def test_a_name_that_is_none_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        get("http://no-such-host.invalid/")
    with pytest.raises(Unreachable):
        get("http://a b/")
