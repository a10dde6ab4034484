"""Processes for the tests to kill. What they print tells the test how far they certainly were."""

import os
import resource
import signal
import sys
from pathlib import Path

from earthward.ledger.record import Opened, Record, Settled
from earthward.store.spool import SpoolFull, SpoolWriter


def write(folder: str, boot: str, guard: str) -> None:
    """Appends for ever, and says of each entry that it was appended; with `bypass`, of some that were not."""
    writer = SpoolWriter(Path(folder), "here", boot, segment_bytes=20_000)
    number = 0
    while True:
        number += 1
        if guard != "bypass" or number % 10:
            writer.append(Settled(Record(f"{boot}-{number}", number, "ok")))
        os.write(1, number.to_bytes(8))


def open_and_wait(folder: str, boot: str) -> None:
    """Opens attempts that it never settles, settles one, and waits to be killed."""
    writer = SpoolWriter(Path(folder), "here", boot)
    where = ("route", "only", 0, "unit", "key", "app", "team", "gpt", "openai_chat")
    writer.append(Opened("one", 0, 100, *where, "mini", "http://mini", "v1"))
    writer.append(Opened("one", 1, 200, *where, "llama", "http://llama", "v1"))
    writer.append(Opened("two", 0, 300, *where, "mini", "http://mini", "v1"))
    writer.append(Settled(Record("two", 300, "ok")))
    os.write(1, b"opened")
    signal.pause()


def take_in(url: str, folder: str) -> None:
    """Takes in spools for ever, and says after each step how many records it settled."""
    from earthward.store import intake, tables

    intake.BATCH = 50
    taking = intake.Intake(tables.open(url), Path(folder), "here")
    while True:
        os.write(1, taking.step().settled.to_bytes(8))


def take_in_hastily(url: str, folder: str) -> None:
    """Takes in once, but deletes what it has read before it is stored, and dies in between."""
    from earthward.store import intake, tables

    class Hasty(intake.Intake):
        def _store(self, tails, records):
            for tail in tails:
                tail.reader.remove_segments(below=tail.reader.segment)
            os.kill(os.getpid(), signal.SIGKILL)

    Hasty(tables.open(url), Path(folder), "here").step()


def fill(folder: str, limit: int) -> None:
    """Appends until files may not grow any more, asks for more room, and appends one more."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    writer = SpoolWriter(Path(folder), "here", "full")
    number = 0
    try:
        while True:
            writer.append(Settled(Record(f"x-{number}", number, "ok")))
            number += 1
    except SpoolFull:
        os.write(1, f"{number} {writer.state.name} {writer.state.held}\n".encode())
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    number = writer.append(Settled(Record("after", 1, "ok")))
    writer.close()
    os.write(1, f"{number} {writer.state.name} {writer.state.held}\n".encode())


def main() -> None:
    match sys.argv[1:]:
        case ["write", folder, boot, guard]:
            write(folder, boot, guard)
        case ["open", folder, boot]:
            open_and_wait(folder, boot)
        case ["take_in", url, folder]:
            take_in(url, folder)
        case ["take_in_hastily", url, folder]:
            take_in_hastily(url, folder)
        case ["fill", folder, limit]:
            fill(folder, int(limit))


main()
