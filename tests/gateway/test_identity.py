"""Access tokens: fetched before they are needed, renewed before they end and when they were refused."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from earthward.config.snapshot import Provider
from earthward.gateway.identity import Identities, Tokens, renewed_after
from earthward.probe.google_identity import NoToken, Token

VERTEX = Provider("v", "vertex", "gemini", "cloud", ())


def in_a_loop(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(play(), 200))


class Source:
    """Gives tokens of these lives one after the other, and the last one's from then on; None gives none."""

    def __init__(self, *lives: float | None) -> None:
        self.lives = list(lives)
        self.asked: list[str | None] = []

    def __call__(self, file: str | None) -> Token:
        self.asked.append(file)
        life = self.lives.pop(0) if len(self.lives) > 1 else self.lives[0]
        if life is None:
            raise NoToken("nobody is there")
        return Token(f"ya29.{len(self.asked)}", life)


async def line_of(tokens: Tokens, wanted: bytes) -> None:
    while tokens.current(0.0)[1] != wanted:
        await asyncio.sleep(0.01)


def test_a_token_is_fetched_before_anybody_asks_for_it() -> None:
    async def play() -> None:
        identities = Identities(Source(3600))
        tokens = identities.of(VERTEX)
        assert tokens.has_none
        assert tokens.current(0.0) == (0, b"")
        await identities.first(100)
        assert not tokens.has_none
        assert tokens.current(0.0) == (0, b"authorization: Bearer ya29.1\r\n")
        identities.stop()

    in_a_loop(play)


def test_providers_with_the_same_file_share_a_token_and_keep_it_over_a_reload() -> None:
    async def play() -> None:
        source = Source(3600)
        identities = Identities(source)
        other = Provider("w", "vertex", "gemini", "cloud", (), settings=(("credentials", "/other.json"),))
        assert identities.of(VERTEX) is identities.of(VERTEX)
        assert identities.of(other) is not identities.of(VERTEX)
        await identities.first(100)
        assert sorted(source.asked, key=str) == ["/other.json", None]
        identities.stop()

    in_a_loop(play)


def test_a_token_is_renewed_before_its_end() -> None:
    async def play() -> None:
        identities = Identities(Source(1.0, 3600))
        await line_of(identities.of(VERTEX), b"authorization: Bearer ya29.2\r\n")
        identities.stop()

    in_a_loop(play)


@pytest.mark.parametrize(("life", "after"), [(3600, 3300), (400, 200), (1, 1), (0, 1), (-5, 1)])
def test_a_token_is_renewed_minutes_before_its_end_or_at_half_of_a_short_life(life: float, after: float) -> None:
    assert renewed_after(life) == after


def test_a_token_that_was_refused_is_renewed_and_one_out_of_quota_is_not() -> None:
    async def play() -> None:
        source = Source(3600)
        identities = Identities(source)
        tokens = identities.of(VERTEX)
        await identities.first(100)
        tokens.rest(0, 0.0, 10.0)
        await asyncio.sleep(1.2)
        assert len(source.asked) == 1
        tokens.refused(0, 0.0)
        await line_of(tokens, b"authorization: Bearer ya29.2\r\n")
        identities.stop()

    in_a_loop(play)


def test_where_none_is_given_it_is_tried_again_and_the_old_one_stays() -> None:
    async def play() -> None:
        source = Source(1.0, None, 3600)
        identities = Identities(source)
        tokens = identities.of(VERTEX)
        await identities.first(100)
        while len(source.asked) < 2:
            await asyncio.sleep(0.01)
        assert tokens.current(0.0)[1] == b"authorization: Bearer ya29.1\r\n" or len(source.asked) > 2
        await line_of(tokens, b"authorization: Bearer ya29.3\r\n")
        identities.stop()

    in_a_loop(play)


@pytest.mark.parametrize("value", ["", "a\r\nhost: evil", "ä"])
def test_a_token_that_would_break_out_of_its_header_is_none(value: str) -> None:
    async def play() -> None:
        identities = Identities(lambda file: Token(value, 3600))
        tokens = identities.of(VERTEX)
        await identities.first(100)
        assert tokens.has_none
        assert tokens.current(0.0) == (0, b"")
        identities.stop()

    in_a_loop(play)


def test_a_token_stands_in_no_traceback() -> None:
    assert "ya29" not in repr(Token("ya29.secret", 10))
    tokens = Tokens(None, Source(3600))
    tokens._take(Token("ya29.secret", 10))
    assert tokens.scrub("it was ya29.secret") == "it was [redacted]"
