import asyncio
import socket

import pytest
import uvloop

from earthward.simulator.listening import Port


class Silent(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def connect(port: Port) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port.number)
    writer.close()


def test_a_port_is_refused_while_shut_and_nobody_elses_meanwhile():
    async def play() -> None:
        port = Port("127.0.0.1", 0)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port.number))
        with pytest.raises(ConnectionRefusedError):
            await connect(port)
        await port.open(Silent)
        await connect(port)
        port.shut()
        with pytest.raises(ConnectionRefusedError):
            await connect(port)
        await port.open(Silent)
        await port.open(Silent)
        await connect(port)
        port.give_up()
        again = Port("127.0.0.1", port.number)
        assert again.number == port.number
        again.give_up()

    uvloop.run(play())
