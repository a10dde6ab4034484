"""An answer in another language than the baseline's: by its script, and among Latin ones by its most usual words."""

import re
import unicodedata
from collections import Counter

from earthward.quality.case import GOOD, NOT_APPLICABLE, Case, Found, bad

LONGEST = 4_000
FEWEST_WORDS = 8
"""Fewer don't tell a language."""

WORDS = {
    "English": "the and of to is in that it for with are this on as you be not was have from or by which can",
    "German": "der die das und ist nicht ein eine zu den mit von im auf für sich dem auch es an werden als wird",
    "French": "le la les et est des un une du en que pour dans qui pas sur au avec ce il par sont vous nous",
    "Spanish": "el la los las y es de que en un una por con para no del se al lo como más su son pero",
    "Italian": "il lo la gli e è di che in un una per con non del della sono da al si come più anche nel",
    "Portuguese": "o os as e é de que em um uma por com para não do da no na se mais como ao dos são",
    "Dutch": "de het een en is van in dat op te voor met niet zijn aan er ook als bij door maar om je naar",
}
_SETS = {language: frozenset(words.split()) for language, words in WORDS.items()}
_CODE = re.compile(r"```.*?```|`[^`\n]*`|https?://\S+", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")


def check(case: Case) -> Found:
    expected, found = language(case.baseline.text), language(case.candidate.text)
    if expected is None or found is None:
        return NOT_APPLICABLE
    return GOOD if expected == found else bad(f"it is {found} where the baseline is {expected}")


def language(text: str) -> str | None:
    """The language, or for other scripts the script; None where the text doesn't tell."""
    prose = _CODE.sub(" ", text[:LONGEST])
    script = _script(prose)
    if script is None or script != "LATIN":
        return script.capitalize() if script else None
    words = [word.lower() for word in _WORD.findall(prose)]
    if len(words) < FEWEST_WORDS:
        return None
    counts = sorted(((sum(map(known.__contains__, words)), name) for name, known in _SETS.items()), reverse=True)
    (first, name), (second, _) = counts[:2]
    return name if first >= len(words) / 10 and first > second else None


def _script(text: str) -> str | None:
    scripts: Counter[str] = Counter()
    for letter, count in Counter(text).items():
        if letter.isalpha():
            scripts[_script_of(letter)] += count
    if not scripts or sum(scripts.values()) < FEWEST_WORDS:
        return None
    # Japanese is written with Chinese characters as well.
    kana = scripts.pop("HIRAGANA", 0) + scripts.pop("KATAKANA", 0)
    if kana:
        scripts["JAPANESE"] = kana + scripts.pop("CJK", 0)
    return scripts.most_common(1)[0][0]


def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0]
