"""A process that holds one metric of the user's own: lists of exchanges in, lists of verdicts out, a line of JSON each.

Apart from the control process, so that a metric that hangs, ends or eats memory takes nothing with it. It is started
without the gateway's environment, where keys may be.
"""

import contextlib
import json
import os
import runpy
import sys
from collections.abc import Callable
from typing import Any

FUNCTION = "is_bad"


def main(file: str) -> None:
    # What the metric prints must not be taken for its verdicts.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = os.getpid()
    is_bad = _loaded(file)
    for line in sys.stdin:
        verdicts = [_verdict(is_bad, it) for it in json.loads(line)]
        if os.getpid() != asked:
            # A copy that the metric made of us: a second answer would be taken for that to the next question.
            os._exit(0)
        answers.write(json.dumps(verdicts) + "\n")
        answers.flush()


def _loaded(file: str) -> Callable[[dict[str, Any]], object]:
    try:
        found = runpy.run_path(file).get(FUNCTION)
    except BaseException as error:  # noqa: BLE001  whatever it is, it is told as the last words
        raise SystemExit(f"{file} can't be loaded: {type(error).__name__}: {error}") from None
    if not callable(found):
        raise SystemExit(f"{file} has no function `{FUNCTION}(exchange)`")
    loaded: Callable[[dict[str, Any]], object] = found
    return loaded


def _verdict(is_bad: Callable[[dict[str, Any]], object], exchange: dict[str, Any]) -> object:
    """True, false or null; text says why there is none."""
    try:
        said = is_bad(exchange)
    except Exception as error:  # noqa: BLE001  whatever the user's code raises is its answer
        return f"{type(error).__name__}: {error}"
    return said if said is None or isinstance(said, bool) else f"it said {type(said).__name__}, not True, False or None"


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main(sys.argv[1])
