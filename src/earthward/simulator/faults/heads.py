"""Faults of the head: late, slow, endless, or not HTTP at all."""

from collections.abc import Iterator
from itertools import count

from earthward.simulator.faults.table import fault
from earthward.simulator.steps import Answer, Close, Raw, Step, Wait, raw_head


@fault("slow_first_byte", "the first byte comes `wait` seconds late (30)")
def slow_first_byte(answer: Answer) -> Iterator[Step]:
    yield Wait(30.0 if answer.behaviour.wait is None else answer.behaviour.wait)
    yield from answer.steps()


@fault("slow_head", "the head comes byte by byte, one every `wait` seconds (0.02), and then no more")
def slow_head(answer: Answer) -> Iterator[Step]:
    pause = Wait(0.02 if answer.behaviour.wait is None else answer.behaviour.wait)
    for byte in raw_head(200, answer.honest_headers(), 0).data:
        yield pause
        yield Raw(bytes((byte,)))
    yield Close()


@fault("endless_headers", "header after header, without end or up to `size` bytes")
def endless_headers(answer: Answer) -> Iterator[Step]:
    yield Raw(b"HTTP/1.1 200 OK\r\n")
    sent = 0
    for number in count():
        line = b"x-filler-%d: %b\r\n" % (number, b"f" * 1000)
        yield Raw(line)
        sent += len(line)
        if answer.behaviour.size is not None and sent >= answer.behaviour.size:
            break
    yield Close()


@fault("endless_header", "one header whose value has no end, or `size` bytes")
def endless_header(answer: Answer) -> Iterator[Step]:
    yield Raw(b"HTTP/1.1 200 OK\r\nx-filler: ")
    for number in count(1):
        yield Raw(b"f" * 1000)
        if answer.behaviour.size is not None and number * 1000 >= answer.behaviour.size:
            break
    yield Close()


@fault("not_http", "the answer is not HTTP")
def not_http(answer: Answer) -> Iterator[Step]:
    yield Raw(b"SSH-2.0-OpenSSH_9.2\r\n")
    yield Close()
