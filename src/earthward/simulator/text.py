"""Deterministic texts: numbered tokens, in which every loss, repetition and swap shows, and words to look at."""

import random
from functools import lru_cache

_TEXT = (
    "the of and to in a is that for it as was with be by on not he this are or his from at which but have an had they "
    "you were their one all we can her has there been if more when will would who so no said what up its about into "
    "than them time only some could these two may then do first any my now such like our over man me even most made "
    "after also did many before must through back years where much your way well down should because each just those "
    "people how too little state good very make world still see own men work long here get both between life being "
    "under never day same another know while last might us great old year off come since against go came right used"
)
_WORDS = _TEXT.split()


@lru_cache(64)
def numbered(tokens: int) -> tuple[str, ...]:
    """`t0`, ` t1`, ` t2` and so on; joined, they read as one text."""
    return tuple(f" t{index}" if index else "t0" for index in range(tokens))


def words(tokens: int, seed: str) -> tuple[str, ...]:
    """Words drawn from a seed, with a full stop now and then."""
    draw = random.Random(seed)  # noqa: S311 - has to repeat with the seed
    drawn = draw.choices(_WORDS, k=tokens)
    said: list[str] = []
    begins = True
    for index, word in enumerate(drawn):
        ends = index == tokens - 1 or (not begins and draw.random() < 0.08)
        said.append(("" if index == 0 else " ") + (word.capitalize() if begins else word) + ("." if ends else ""))
        begins = ends
    return tuple(said)


def spoken(text: str) -> tuple[str, ...]:
    """A given text in pieces, one a word; joined, they are the text again."""
    pieces: list[str] = []
    start = 0
    for place, sign in enumerate(text):
        if sign == " " and place > start:
            pieces.append(text[start:place])
            start = place
    if start < len(text):
        pieces.append(text[start:])
    return tuple(pieces)


def fragments(text: str, size: int) -> tuple[str, ...]:
    """A text cut every `size` characters."""
    return tuple(text[start : start + size] for start in range(0, len(text), size))


def tokens_in(text: str) -> int:
    """About how many tokens a text is: one per four bytes, as is usual for English."""
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4
