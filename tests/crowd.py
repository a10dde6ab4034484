"""More files open than `select.select` can tell apart."""

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

MANY = 1100


@contextlib.contextmanager
def many_files_open() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * MANY), hard))
    try:
        with contextlib.ExitStack() as held:
            for _ in range(MANY):
                held.enter_context(Path(os.devnull).open("rb"))
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
