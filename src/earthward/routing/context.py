"""Whether a prompt fits before it is sent: its length from its characters, as this model's own counts have taught.

Tokens per character differ by model, language and kind of text; the ratio follows what Ollama counted
(`prompt_eval_count`), within bounds, and an estimate leaves room for what it does not know.
"""

from collections.abc import Sequence

import msgspec

TIERS = (4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144)
"""Contexts that a model is loaded with, in tokens. Few, since a host loads a model anew for each other one."""
USUAL = 4.0
LEAST, MOST = 1.0, 8.0
"""Characters per token: from Chinese, code in odd alphabets and base64 to English prose in large vocabularies."""
PER_MESSAGE = 8
"""Tokens that a template puts around each message, about."""
MARGIN = 1.15
WEIGHT = 0.1
UNCAPPED = 2_048
"""Tokens that are kept for an answer at least, where the caller does not say how long it may become."""
FADING = 0.99
SHORTEST = 200
"""Characters below which a count says more about the template than about the text."""


class Calibration(msgspec.Struct, frozen=True):
    """`per_token` is how many characters a token of this model holds; `spread` how far single prompts are from it, as
    a share of it."""

    per_token: float = USUAL
    spread: float = 0.15
    samples: int = 0


def after(calibration: Calibration, characters: int, tokens: int) -> Calibration:
    """The calibration with one more count. One that is out of all proportion is pulled back to the bounds, so that a
    prompt that was cut off or read from a cache of another kind can't teach nonsense."""
    if characters < SHORTEST or tokens <= 0:
        return calibration
    seen = min(MOST, max(LEAST, characters / tokens))
    # The first few count for more, or ten requests would hardly move what was merely assumed.
    weight = max(WEIGHT, 1 / (calibration.samples + 2))
    far = min(0.5, max(-0.5, seen / calibration.per_token - 1))
    per_token = calibration.per_token * (1 + weight * far)
    spread = calibration.spread + weight * (abs(far) - calibration.spread)
    return Calibration(per_token, spread, calibration.samples + 1)


def tokens(characters: int, messages: int = 1, calibration: Calibration | None = None) -> int:
    """The likely length of a prompt."""
    return round(characters / (calibration or UNKNOWN).per_token) + PER_MESSAGE * messages


def tokens_at_most(characters: int, messages: int = 1, calibration: Calibration | None = None) -> int:
    """A length that few prompts of so many characters exceed."""
    known = calibration or UNKNOWN
    margin = max(MARGIN, 1 + 2 * known.spread)
    return round(characters / known.per_token * margin) + PER_MESSAGE * messages


def tier(needed: int, longest: int | None = None, tiers: Sequence[int] = TIERS) -> int | None:
    """The smallest tier that holds `needed` tokens, `longest` being the model's own limit; None if none does."""
    for size in tiers:
        if longest is not None and size >= longest:
            return longest if needed <= longest else None
        if needed <= size:
            return size
    return None


def fits(prompt: int, answer: int, context: int | None) -> bool:
    """Whether prompt and answer have room in the context that a target is loaded with; what is not known, has."""
    return context is None or prompt + answer <= context


def fits_for_sure(prompt: int, context: int) -> bool:
    """Whether an estimate is so far below the limit that no count is worth asking for."""
    return prompt < context * (1 - CLOSE)


def is_close(prompt: int, context: int) -> bool:
    """Whether an estimate is so near the limit that a count may come out on the other side."""
    return context * (1 - CLOSE) <= prompt <= context * (1 + CLOSE)


def was_cut(characters: int, estimate: int, counted: int, context: int | None) -> bool:
    """Whether a host must have left out a part of a prompt, as Ollama does without a word before 0.12.4.

    `counted` is how many tokens it says it has read, of the `context` it has. Sure is what no tokenizer could fit in,
    and nearly so what was estimated to be too long and then filled the context to the brim.
    """
    if context is None or not 0 < counted <= context:
        return False
    return characters / MOST > context or (estimate > context * CUT and counted >= context * BRIM)


class Lengths:
    """What each model's counts have taught. For one worker; models are those of targets, so they are few."""

    def __init__(self) -> None:
        self._known: dict[str, Calibration] = {}
        self._answers: dict[str, float] = {}

    def tokens(self, model: str, characters: int) -> int:
        return tokens(characters, 0, self._known.get(model))

    def at_most(self, model: str, characters: int, messages: int) -> int:
        """A length that few prompts of so many characters exceed."""
        return tokens_at_most(characters, messages, self._known.get(model))

    def learn(self, model: str, characters: int, counted: int) -> None:
        self._known[model] = after(self._known.get(model, UNKNOWN), characters, counted)

    def answer(self, model: str) -> int:
        """Tokens to keep for an answer of which nobody said how long it may become."""
        return max(UNCAPPED, round(self._answers.get(model, 0.0)))

    def learn_answer(self, model: str, tokens: int) -> None:
        """Takes the longest of late answers to heart; one long one is forgotten slowly."""
        self._answers[model] = max(float(tokens), self._answers.get(model, 0.0) * FADING)


UNKNOWN = Calibration()
CLOSE = 0.25
CUT = 1.25
BRIM = 0.9
