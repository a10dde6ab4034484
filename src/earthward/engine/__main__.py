"""`python -m earthward.engine`: serve one model until killed, or until whoever started it is gone.

Prints one line of JSON once it answers: {"url": ..., "model": ..., "pid": ...}. Exit status 2 means that something
it was given cannot be used, 1 that llama.cpp would not start.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from earthward.engine.model import UnusableModel, default_model, usable
from earthward.engine.parent import be_killed_with_parent, wait_for_end_of
from earthward.engine.server import CannotServe, Settings, serve


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    if options.killed_with_parent:
        be_killed_with_parent(options.parent)
    # llama.cpp prints where it likes; what we say goes to where these led at the start.
    answer, complaint = os.dup(1), os.dup(2)
    try:
        model = usable(options.model or default_model())
        serving = serve(settings(model, options))
    except (UnusableModel, CannotServe) as error:
        say(complaint, f"earthward engine: {error}")
        return 2 if isinstance(error, UnusableModel) else 1
    say(answer, json.dumps({"url": serving.url, "model": options.name or model.stem, "pid": os.getpid()}))
    try:
        if options.parent:
            wait_for_end_of(options.parent, sys.stdin.fileno())
        else:
            signal.pause()
    except KeyboardInterrupt:
        pass
    # Answers under way have nobody left to read them: waiting for llama.cpp to wind down helps no one.
    os._exit(0)


def settings(model: Path, options: argparse.Namespace) -> Settings:
    return Settings(
        model=model,
        name=options.name or model.stem,
        port=options.port,
        context=options.context,
        slots=options.slots,
        threads=options.threads,
        log=options.log,
    )


def say(where: int, line: str) -> None:
    os.write(where, line.encode() + b"\n")


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m earthward.engine", description="Serve one GGUF model on loopback.")
    parser.add_argument("--model", type=Path, help="a GGUF file (default: the SmolLM2 of the extra `engine`)")
    parser.add_argument("--name", help="what the model is called in answers (default: the file's name)")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--context", type=positive, default=4096, help="tokens per request")
    parser.add_argument("--slots", type=positive, default=4, help="requests at a time")
    parser.add_argument("--threads", type=positive, help="default: half of the cores")
    parser.add_argument("--log", type=Path, help="append llama.cpp's log to this file (default: nothing is kept)")
    # Given by EngineProcess only. The pipe to watch is standard input.
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--killed-with-parent", action="store_true", help=argparse.SUPPRESS)
    return parser


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
