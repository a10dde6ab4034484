"""What is kept of a head holds no longer than what it was worked out with."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import uvloop

from earthward.bench.exchange import KEY, request, snapshot, worker
from earthward.chat import Failure, FailureKind
from earthward.config.snapshot import Key
from earthward.gateway.doors import DOORS
from earthward.gateway.introduction import Introduction, introduction
from earthward.gateway.messages import KeyChange, NewSnapshot
from earthward.gateway.worker import Worker
from earthward.http.reader import RequestReader
from earthward.http.request import Request
from earthward.store.digest import digest_of
from harness import until

DOOR = DOORS[b"/v1/chat/completions"]
ASKED = request(1, "whole").replace(b"accept: */*", b"x-earthward-task: sums\r\nopenai-beta: b=1")


def introduced(folder: Path, *lines: bytes) -> Introduction | Failure:
    """Who calls with these lines in the head besides."""

    async def meet() -> Introduction | Failure:
        with socket.socket() as listener:
            serving = worker(folder, "keys", listener)
            asked = ASKED.replace(b"openai-beta: b=1", b"\r\n".join(lines))
            found = RequestReader(serving.server.limits).take(asked, 1.0)
            assert found is not None
            made = introduction(serving, DOOR, found)
            serving.spool.close()
            serving.board.close()
        return made

    return uvloop.run(meet())


def met_twice(folder: Path, between: Callable[[Worker], object]) -> list[Introduction | Failure]:
    """What the same head on one connection comes to, before and after something happens to the worker."""

    async def meet() -> list[Introduction | Failure]:
        with socket.socket() as listener:
            serving = worker(folder, "keys", listener)
            reader = RequestReader(serving.server.limits)
            first = introduction(serving, DOOR, taken(reader))
            between(serving)
            second = introduction(serving, DOOR, taken(reader))
            serving.spool.close()
            serving.board.close()
        return [first, second]

    return uvloop.run(meet())


def taken(reader: RequestReader) -> Request:
    found = reader.take(ASKED, 1.0)
    assert found is not None
    return found


def test_nothing_is_worked_out_again_while_nothing_has_changed(tmp_path: Path) -> None:
    first, second = met_twice(tmp_path, lambda serving: None)
    assert isinstance(first, Introduction)
    assert first is second
    assert first.hints.task == "sums"
    assert first.caller.key.id == "k1"
    assert b"content-length" not in first.headers


def test_a_revoked_key_opens_nothing_from_the_next_request_on(tmp_path: Path) -> None:
    def revoke(serving: Worker) -> None:
        assert serving.apply(KeyChange(2, 1, (), drop=(digest_of(serving.pepper, KEY),))) == ""

    first, second = met_twice(tmp_path, revoke)
    assert isinstance(first, Introduction)
    assert isinstance(second, Failure)
    assert second.kind is FailureKind.BAD_KEY


def test_a_key_that_changes_is_looked_at_again(tmp_path: Path) -> None:
    def move(serving: Worker) -> None:
        serving.apply(KeyChange(2, 1, (Key("k1", digest_of(serving.pepper, KEY), "another app"),)))

    _, second = met_twice(tmp_path, move)
    assert isinstance(second, Introduction)
    assert second.caller.key.app == "another app"


def test_a_key_ends_on_time(tmp_path: Path) -> None:
    def shorten(serving: Worker) -> None:
        end = time.time_ns() + 2_000_000_000
        key = Key("k1", digest_of(serving.pepper, KEY), expires_at=end)
        serving.apply(KeyChange(2, 1, (key,)))
        reader = RequestReader(serving.server.limits)
        assert isinstance(introduction(serving, DOOR, taken(reader)), Introduction)
        until(lambda: isinstance(introduction(serving, DOOR, taken(reader)), Failure), "the key's end")
        assert time.time_ns() >= end

    met_twice(tmp_path, shorten)


def test_a_new_configuration_is_in_force_from_the_next_request_on(tmp_path: Path) -> None:
    def reload(serving: Worker) -> None:
        changed = msgspec.structs.replace(snapshot("open"), version="2")
        assert serving.apply(NewSnapshot("2", msgspec.msgpack.encode(changed))) == ""

    first, second = met_twice(tmp_path, reload)
    assert isinstance(first, Introduction)
    assert isinstance(second, Introduction)
    assert second.caller.key.id == "", "an open gateway asks nobody"
    assert second.serving is not first.serving


def test_headers_that_pass_are_written_once_for_each_target(tmp_path: Path) -> None:
    first, _ = met_twice(tmp_path, lambda serving: None)
    assert isinstance(first, Introduction)
    cloud, house = (first.serving.targets[name] for name in ("mini", "llama"))
    assert first.lines_for(cloud, DOOR) == b"openai-beta: b=1\r\n"
    assert first.lines_for(house, DOOR) == b""
    assert first.lines_for(cloud, DOOR) is first.lines_for(cloud, DOOR)


@pytest.mark.parametrize("second", [b"public", b"", b"internal"])
def test_a_data_class_is_not_taken_back_by_a_second_header(tmp_path: Path, second: bytes) -> None:
    lines = (b"x-earthward-data-class: health", b"X-Earthward-Data-Class: " + second)
    for order in (lines, lines[::-1]):
        made = introduced(tmp_path, *order)
        assert isinstance(made, Introduction)
        assert made.hints.data_class == "health"


def test_a_header_that_is_given_twice_goes_on_whole(tmp_path: Path) -> None:
    made = introduced(tmp_path, b"openai-beta: a=1", b"openai-beta: b=2")
    assert isinstance(made, Introduction)
    assert made.headers[b"openai-beta"] == b"a=1,b=2"


@pytest.mark.parametrize("packed", [b"gzip", b"ZSTD", b"br, gzip"])
def test_a_body_that_is_packed_is_refused_for_that_and_not_for_what_it_seems_to_say(
    tmp_path: Path, packed: bytes
) -> None:
    found = introduced(tmp_path, b"content-encoding: " + packed)
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.BAD_REQUEST
    assert "without `content-encoding`" in found.message
    assert packed.decode().lower() in found.message
    assert isinstance(introduced(tmp_path, b"content-encoding: identity"), Introduction)
