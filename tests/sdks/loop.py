"""What the client programs in Python share: a task per line on standard input, what came of it per line of output.

Only the standard library: these programs run in the environments of the SDKs they use.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any


def serve(take: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    for line in sys.stdin:
        try:
            told = take(json.loads(line))
        except Exception as raised:  # noqa: BLE001 - what SDKs raise is what is asked about
            told = {"error": shown(raised)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def shown(raised: Exception) -> dict[str, Any]:
    classes = [each.__name__ for each in type(raised).__mro__]
    # Google's SDK has it under another name.
    status = getattr(raised, "status_code", None) or getattr(raised, "code", None)
    return {"classes": classes, "status": status, "message": str(raised)}


def left_after(pieces: Iterator[Any], enough: int) -> dict[str, Any]:
    """Reads so many pieces and no more. The caller closes the stream."""
    read = 0
    for _ in pieces:
        read += 1
        if read == enough:
            break
    return {"read": read}


def now() -> int:
    """Unix time in nanoseconds."""
    return time.time_ns()
