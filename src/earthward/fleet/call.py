"""One call to a host's API: a request, and its whole answer within a deadline. Follows nothing, retries nothing."""

import asyncio
import contextlib

from earthward.chat import FailureKind
from earthward.config.snapshot import Deadlines
from earthward.http.client import ClientConnection, ConnectFailed, Pool

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer: lists of models are short."""
OK = 200


class HostFailed(Exception):
    """The host did not answer, or refused; `status` is None where there was no answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Gathered:
    """Hears an answer out. Where there are `lines`, whole lines go there as they come, and an empty one at last."""

    def __init__(self, lines: asyncio.Queue[bytes] | None = None) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.status = 0
        self.body = bytearray()
        self._lines = lines

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status

    def on_body(self, data: bytes) -> None:
        self.body += data
        if self._lines is not None and self.status == OK:
            *whole, rest = bytes(self.body).split(b"\n")
            self.body = bytearray(rest)
            for line in filter(None, whole):
                self._lines.put_nowait(line)
        if len(self.body) > LARGEST:
            self._end(HostFailed(f"the host answers with more than {LARGEST} bytes"))

    def on_end(self) -> None:
        self._end(None)

    def on_error(self, kind: FailureKind, message: str) -> None:
        self._end(HostFailed(message))

    def _end(self, failed: HostFailed | None) -> None:
        if self._lines is not None:
            self._lines.put_nowait(b"")
        if not self.done.done():
            if failed is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(failed)


async def call(pool: Pool, data: bytes, gathered: Gathered, timeout: float) -> None:
    """Sends this request and waits for the end of its answer. Raises HostFailed where there is none in time.

    A kept connection that the host had closed meanwhile says nothing of the host: another is made.
    """
    try:
        async with asyncio.timeout(timeout):
            kept = pool.idle()
            if kept is not None:
                with contextlib.suppress(HostFailed):
                    await _exchange(kept, data, gathered, timeout)
                    return
                if gathered.status:
                    gathered.done.result()
            fresh = await pool.connect(timeout)
            gathered.done = asyncio.get_running_loop().create_future()
            await _exchange(fresh, data, gathered, timeout)
    except ConnectFailed as failed:
        raise HostFailed(failed.message) from failed
    except TimeoutError:
        raise HostFailed(f"{pool.name} did not answer in {timeout:g} s") from None


async def _exchange(connection: ClientConnection, data: bytes, gathered: Gathered, timeout: float) -> None:
    connection.send(data, gathered, Deadlines(timeout, timeout, timeout, timeout))
    try:
        await gathered.done
    except BaseException:
        connection.cancel()
        raise


def request(pool: Pool, method: str, path: str, body: bytes = b"", headers: bytes = b"") -> bytes:
    """The request as it goes out; `headers` are whole lines.

    The Host is the one we call, whatever a caller sent: Ollama turns others away.
    """
    length = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body) if body else b""
    head = f"{method} {path} HTTP/1.1\r\n".encode("ascii")
    return head + b"host: " + pool.host_header + b"\r\nuser-agent: earthward\r\n" + headers + length + b"\r\n" + body
