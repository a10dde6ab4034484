import os
from collections.abc import Iterator

import pytest

from crowd import many_files_open
from earthward.engine.pipes import has_spoken


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    heard, told = os.pipe()
    with os.fdopen(heard, "rb"), os.fdopen(told, "wb"):
        yield heard, told


def test_silence_is_waited_for_no_longer_than_asked(pipe: tuple[int, int]) -> None:
    assert not has_spoken(pipe[0], 0.01)
    assert not has_spoken(pipe[0], -1.0), "a time that is over already"


def test_what_was_said_is_heard_and_so_is_the_end(pipe: tuple[int, int]) -> None:
    heard, told = pipe
    os.write(told, b"up")
    assert has_spoken(heard, 60.0)
    os.read(heard, 2)
    ended, other = os.pipe()
    os.close(other)
    with os.fdopen(ended, "rb") as end:
        assert has_spoken(end, 60.0)


def test_it_hears_however_many_files_are_open() -> None:
    with many_files_open():
        heard, told = os.pipe()
        with os.fdopen(heard, "rb") as pipe, os.fdopen(told, "wb"):
            assert heard > 1024
            assert not has_spoken(pipe, 0.0)
            os.write(told, b"up")
            assert has_spoken(pipe, 60.0)
