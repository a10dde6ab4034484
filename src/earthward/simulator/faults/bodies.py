"""Faults of the body: the wrong kind, the wrong length, or far too much of it."""

import zlib
from collections.abc import Iterator
from functools import lru_cache

from earthward.simulator.faults.connections import first_part
from earthward.simulator.faults.table import fault
from earthward.simulator.steps import Answer, Close, Head, Last, Piece, Raw, Step, Wait, Whole, raw_head

_HUNDRED_MEGABYTES = 100 * 1024 * 1024
_BLOCK = 64 * 1024
_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n"
    b"<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>\n"
)


@fault("html", "status 200 and a page in place of JSON")
def html(answer: Answer) -> Iterator[Step]:
    yield Whole(200, [(b"content-type", b"text/html; charset=utf-8"), *answer.headers], _HTML)


@fault("html_502", "status 502 and a page, as a proxy in front of the vendor sends it")
def html_502(answer: Answer) -> Iterator[Step]:
    yield Whole(502, [(b"content-type", b"text/html; charset=utf-8"), *answer.headers], _HTML)


@fault("empty", "status 200 and no body")
def empty(answer: Answer) -> Iterator[Step]:
    yield Whole(200, answer.honest_headers(), b"")


@fault("broken_json", "JSON cut in the middle, in good order of HTTP; in a stream from the event after `after` on")
def broken_json(answer: Answer) -> Iterator[Step]:
    left = answer.behaviour.after
    for step in answer.steps():
        match step:
            case Whole(status, headers, body, tokens):
                yield Whole(status, headers, body[: len(body) // 2], tokens)
                return
            case Piece(data, tokens) if tokens:
                left -= 1
                end = data[len(data.rstrip(b"\n")) :]
                yield step if left >= 0 else Piece(data[: len(data) // 2] + end, tokens)
            case _:
                yield step


@fault("truncated_chunk", "the connection is closed in the middle of a chunk")
def truncated_chunk(answer: Answer) -> Iterator[Step]:
    if answer.stream:
        yield from first_part(answer)
        yield Raw(b"400\r\n" + answer.event(b"{").rstrip())
    else:
        for step in answer.steps():
            if isinstance(step, Whole):
                half = step.body[: len(step.body) // 2]
                yield raw_head(step.status, step.headers, None)
                yield Raw(b"%x\r\n" % len(step.body) + half, step.tokens)
            else:
                yield step
    yield Close()


@fault("bad_chunk_size", "a chunk's size is not a number", whole=False)
def bad_chunk_size(answer: Answer) -> Iterator[Step]:
    yield from first_part(answer)
    yield Raw(b"zz\r\n" + answer.event(b"{}") + b"\r\n")
    yield Close()


@fault("wrong_length", "the announced length is greater than the body, then the connection is closed")
def wrong_length(answer: Answer) -> Iterator[Step]:
    yield from _announced(answer, 100)
    yield Close()


@fault("short_length", "the announced length is less than the body; the rest follows it")
def short_length(answer: Answer) -> Iterator[Step]:
    yield from _announced(answer, -10)
    yield Wait(0.05)
    yield Close()


def _announced(answer: Answer, error: int) -> Iterator[Step]:
    """The whole of an answer, with a length that is wrong by so many bytes."""
    body, headers, tokens, status = b"", answer.headers, 0, 200
    for step in answer.steps():
        match step:
            case Wait():
                yield step
            case Head(status, headers):
                pass
            case Whole(status, headers, body, tokens):
                pass
            case Piece(data, more):
                body, tokens = body + data, tokens + more
            case Last(data):
                body += data
    yield raw_head(status, headers, len(body) + error)
    yield Raw(body, tokens)


@fault("huge_body", "an answer of `size` bytes (100 MB): one text, one event")
def huge_body(answer: Answer) -> Iterator[Step]:
    size = _HUNDRED_MEGABYTES if answer.behaviour.size is None else answer.behaviour.size
    before, after = answer.around
    yield Head(200, answer.honest_headers())
    yield Piece(before)
    block = b"t" * _BLOCK
    for start in range(0, size, _BLOCK):
        yield Piece(block[: size - start])
    yield Last(after)


@fault("gzip_bomb", "gzip that nobody asked for, `size` bytes unpacked (100 MB)")
def gzip_bomb(answer: Answer) -> Iterator[Step]:
    size = _HUNDRED_MEGABYTES if answer.behaviour.size is None else answer.behaviour.size
    yield Whole(200, [(b"content-encoding", b"gzip"), *answer.honest_headers()], _bomb(size))


@lru_cache(4)
def _bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * (1024 * 1024)
    packed = [packer.compress(block[: size - start]) for start in range(0, size, len(block))]
    return b"".join((*packed, packer.flush()))
