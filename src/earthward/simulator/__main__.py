"""`python -m earthward.simulator`: prints one line of JSON when it is ready, and ends on SIGTERM or SIGINT."""

import argparse
import asyncio
import gc
import json
import signal
import sys
from pathlib import Path

import uvloop

from earthward.http.server import raise_descriptor_limit
from earthward.simulator import machine_options
from earthward.simulator.behaviour import BadScript
from earthward.simulator.faults import FAULTS
from earthward.simulator.models import ALL, house
from earthward.simulator.script import Written, mix
from earthward.simulator.server import Simulator
from earthward.simulator.wheel import SLOT


def arguments() -> argparse.ArgumentParser:
    known = "\n".join(f"  {fault.name:20} {fault.about}" for fault in FAULTS.values())
    parser = argparse.ArgumentParser(
        prog="python -m earthward.simulator",
        description="A stand-in for the APIs of OpenAI, Azure, Anthropic, Google and Ollama on a port of its own.",
        epilog=f"faults:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--seed", type=int, default=0, help="of texts, jitter and the choice of faults")
    parser.add_argument("--key", action="append", default=[], help="a credential to accept; without any, all are good")
    parser.add_argument(
        "--model", action="append", default=[], help="one more to offer, free of charge, beside `llama`"
    )
    parser.add_argument("--script", type=Path, metavar="FILE", help="JSON, as POST /sim/script takes it")
    parser.add_argument("--text", choices=("numbered", "words"), help="what answers consist of")
    parser.add_argument("--tokens", type=int, help="of an answer")
    parser.add_argument("--latency", type=float, metavar="SECONDS", help="until the first token")
    parser.add_argument("--rate", type=float, metavar="TOKENS", help="per second, after the first")
    parser.add_argument("--jitter", type=float, metavar="SHARE", help="of each wait that is left to chance, 0 to 1")
    parser.add_argument("--faults", default="", metavar="FAULT:SHARE,…", help="faults that strike at random")
    parser.add_argument("--keep", type=int, default=10_000, metavar="N", help="requests the log remembers")
    parser.add_argument(
        "--slot", type=float, default=SLOT, metavar="SECONDS", help="of the timer wheel: 0.005 is cheaper"
    )
    parser.add_argument("--bodies", action="store_true", help="let the log keep request bodies")
    machine_options.add_to(parser)
    return parser


def scripted(given: argparse.Namespace, simulator: Simulator) -> None:
    """Options over the script file's default. Raises BadScript and OSError."""
    if given.script is not None:
        simulator.script.read(given.script.read_bytes())
    named = {"text": given.text, "tokens": given.tokens, "first": given.latency, "rate": given.rate}
    said = {name: value for name, value in (named | {"jitter": given.jitter}).items() if value is not None}
    simulator.script.take_over(Written(default=(simulator.script.written().default or {}) | said))
    if given.faults:
        simulator.script.take_over(Written(faults=mix(given.faults)))


async def run(given: argparse.Namespace) -> None:
    simulator = Simulator(
        host=given.host,
        port=given.port,
        seed=given.seed,
        keys=given.key,
        models=(*ALL, *(house(name) for name in given.model)),
        keep=given.keep,
        bodies=given.bodies,
        slot=given.slot,
        hardware=machine_options.hardware(given),
    )
    scripted(given, simulator)
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    async with simulator:
        # What lives until the end need not be looked through again and again.
        gc.freeze()
        sys.stdout.write(json.dumps({"port": simulator.port, "url": simulator.url}) + "\n")
        sys.stdout.flush()
        await asked_to_stop.wait()


def main(words: list[str] | None = None) -> int:
    given = arguments().parse_args(words)
    raise_descriptor_limit()
    try:
        uvloop.run(run(given))
    except (BadScript, OSError) as problem:
        sys.stderr.write(f"simulator: {problem}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
