"""Steps carried out on a real connection; what the steps of an answer are is not the player's business."""

import asyncio
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from earthward.config.snapshot import Limits
from earthward.http.server import Request, Server, ServerConnection
from earthward.simulator.listening import Port
from earthward.simulator.player import Player, Wire
from earthward.simulator.steps import Close, End, Hang, Head, Last, Piece, Raw, Refuse, Reset, Step, Wait, Whole
from earthward.simulator.wheel import Ticker

HEAD = Head(200, [(b"content-type", b"text/plain")])


def played(stage: Any, *steps: Step, silence: float = 60.0) -> tuple[Any, list[tuple[str, int, int, int]]]:
    """What a client sees of these steps, and what the player says of how it ended."""
    return performed(stage, lambda: iter(steps), silence)


def performed(
    stage: Any, steps: Callable[[], Iterator[Step]], silence: float = 60.0, linger: float = 0.0
) -> tuple[Any, list[tuple[str, int, int, int]]]:
    told: list[tuple[str, int, int, int]] = []

    def tell(player: Player, how: str) -> None:
        told.append((how, player.status, player.pieces, player.tokens))

    async def play() -> Any:
        ticker = Ticker(asyncio.get_running_loop())

        def app(request: Request, connection: ServerConnection) -> None:
            assert isinstance(connection, Wire)
            Player(connection, steps(), ticker, lambda seconds: connection.reset(), tell).play()

        server, port = Server(app, Limits()), Port("127.0.0.1", 0)
        await server.serve([])
        try:
            await port.open(lambda: Wire(server))
            seen = await stage.ask(SimpleNamespace(port=port.number), silence=silence)
            await stage.until(lambda: told)
            await asyncio.sleep(linger)
            return seen
        finally:
            port.give_up()
            await server.drain(0)

    return stage.run(play()), told


def test_a_whole_answer_is_over_at_once(stage):
    seen, told = played(stage, Whole(201, [], b"done", 4))
    assert (seen.status, seen.body) == (201, b"done")
    assert told == [("finished", 201, 0, 4)]


@pytest.mark.parametrize("end", [Last(b"c"), End()])
def test_pieces_come_framed_in_order_and_are_counted(stage, end):
    seen, told = played(stage, HEAD, Piece(b"a", 1), Piece(b"b", 2), end)
    assert seen.text in (b"abc", b"ab")
    assert seen.body.startswith(b"1\r\na\r\n1\r\nb\r\n")
    assert told == [("finished", 200, 2, 3)]


@pytest.mark.parametrize(("last", "end"), [(Close(), "eof"), (Reset(), "reset"), (Refuse(1.0), "reset")])
def test_a_broken_answer_ends_as_its_last_step_says(stage, last, end):
    seen, told = played(stage, HEAD, Piece(b"a", 1), Wait(0.01), last)
    assert (seen.end, told) == (end, [("broken", 200, 1, 1)])
    assert seen.body == b"1\r\na\r\n"


def test_raw_bytes_go_out_as_they_are(stage):
    seen, told = played(stage, Raw(b"HTTP/1.1 200 Odd\r\n", status=200), Raw(b"\r\nx", 2), Close())
    assert seen.raw == b"HTTP/1.1 200 Odd\r\n\r\nx"
    assert told == [("broken", 200, 2, 2)]


def test_an_answer_that_hangs_ends_when_the_client_leaves(stage):
    seen, told = played(stage, HEAD, Piece(b"a", 1), Hang(), silence=0.5)
    assert (seen.end, seen.body) == ("open", b"1\r\na\r\n")
    assert told == [("cancelled", 200, 1, 1)]


def test_a_client_that_leaves_during_a_wait_ends_it(stage):
    _, told = played(stage, HEAD, Piece(b"a", 1), Wait(600.0), End(), silence=0.5)
    assert told == [("cancelled", 200, 1, 1)]


def test_what_was_to_come_after_the_client_left_never_comes(stage):
    resumed: list[str] = []

    def steps() -> Iterator[Step]:
        yield HEAD
        yield Piece(b"a", 1)
        yield Wait(1.5)
        resumed.append("late")
        yield Piece(b"b", 1)
        yield End()

    _, told = performed(stage, steps, silence=0.3, linger=1.5)
    assert told == [("cancelled", 200, 1, 1)]
    assert resumed == []


def test_waits_are_kept_one_by_one_and_in_sum(stage):
    at: list[float] = []

    def steps() -> Iterator[Step]:
        yield HEAD
        for _ in range(20):
            yield Wait(0.005)
            at.append(time.monotonic())
            yield Piece(b"a")
        yield End()

    begun = time.monotonic()
    seen, _ = performed(stage, steps)
    assert seen.text == b"a" * 20
    assert all(later - begun >= 0.005 * number for number, later in enumerate(at, 1))
