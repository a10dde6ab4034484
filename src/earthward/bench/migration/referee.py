"""A judge by rule: reads both answers as a judge is shown them, and says in words which has more merit.

What it says is the same every time, so that a run can be repeated; what it reads are the answers themselves.
"""

import http.client
import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from earthward.bench.migration.completion import completion
from earthward.bench.migration.local_server import LocalServer

MODELS = b'{"object": "list", "data": [{"id": "referee", "object": "model"}]}'
SOUP = 4
"""So many of the smallest words in a row make no sentence."""
_SMALL_WORDS = (
    "the of and to in a is that for it as was with be by on not he this are or his from at which but have an had they "
    "you were their one all we can her has there been if more when will would who so no said what up its about into "
    "than them only some could these then do any my now such like our over me even most also did many must where much "
    "your way how too very still own both under never same might us off since go"
)
_SMALL = frozenset(_SMALL_WORDS.split())
_WORD = re.compile(r"[a-z]+")
_ANSWER = re.compile(r"<(\w+) answer ([AB])>\n(.*?)\n</\1 answer \2>", re.DOTALL)


def is_soup(text: str) -> bool:
    """Whether words stand side by side that no sentence has side by side."""
    row = 0
    for word in _WORD.findall(text.lower()):
        row = row + 1 if word in _SMALL else 0
        if row >= SOUP:
            return True
    return False


def sense(text: str) -> int:
    """1 of what may be a sentence, 0 of what is none."""
    return int(not is_soup(text))


def verdict(prompt: str, merit: Callable[[str], int] = sense) -> str:
    """What is said to a judge's prompt; nothing that decides, where there are no two answers in it."""
    answers = {name: text for _, name, text in _ANSWER.findall(prompt)}
    if answers.keys() != {"A", "B"}:
        return "There are no two answers here."
    a, b = merit(answers["A"]), merit(answers["B"])
    return f"{a} against {b}.\n[[{'C' if a == b else 'A' if a > b else 'B'}]]"


class Referee(LocalServer):
    """The rule as a server that speaks OpenAI's dialect."""

    def __init__(self, merit: Callable[[str], int] = sense) -> None:
        self.asked = 0
        referee = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Whoever looks whether the judge is there."""
                self._answer(MODELS, "application/json")

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                referee.asked += 1
                self._answer(*completion(asked, verdict(_text(asked), merit)))

            def _answer(self, body: bytes, kind: str) -> None:
                self.send_response_only(http.client.OK)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(Handler)


def _text(asked: dict[str, Any]) -> str:
    said = asked["messages"][-1]["content"]
    return said if isinstance(said, str) else "".join(part.get("text", "") for part in said)
