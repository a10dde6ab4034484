"""The options that describe the machine Ollama runs on."""

import argparse
import re
from pathlib import Path
from typing import Any

import msgspec

from earthward.simulator.behaviour import BadScript, unknown
from earthward.simulator.hardware import LIBRARY, Hardware, LocalModel, tagged

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_FIELDS = (
    *("memory", "slots", "prefill", "decode", "crowding", "load", "pull", "resident", "queue", "context"),
    *("keep_alive", "version", "cloud"),
)


def add_to(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the machine that Ollama's models run on; without a rate, work takes no time")
    group.add_argument("--machine", type=Path, metavar="FILE", help="JSON with any of these and `models`")
    group.add_argument("--memory", type=size, metavar="BYTES", help="of the graphics card, such as 24GiB (24GiB)")
    group.add_argument("--slots", type=int, metavar="N", help="requests a model answers at once (1)")
    group.add_argument("--prefill", type=float, metavar="TOKENS", help="of a prompt, per second")
    group.add_argument("--decode", type=float, metavar="TOKENS", help="of an answer, per second")
    group.add_argument("--crowding", type=float, metavar="SHARE", help="of its rate an answer loses to each other")
    group.add_argument("--load", type=size, metavar="BYTES", help="of a model, per second")
    group.add_argument("--pull", type=size, metavar="BYTES", help="of a download, per second")
    group.add_argument("--resident", type=int, metavar="N", help="models in memory at most (3)")
    group.add_argument("--queue", type=int, metavar="N", help="requests that may wait for a load (512)")
    group.add_argument("--context", type=int, metavar="TOKENS", help="of a model unless asked (by memory)")
    group.add_argument("--keep-alive", type=float, metavar="SECONDS", help="that an idle model stays (300)")
    group.add_argument("--ollama-version", dest="version", metavar="VERSION", help="to tell (0.33.0)")
    group.add_argument("--cloud", choices=("on", "signed_out", "off"), help="Ollama's cloud models (on)")
    group.add_argument("--disk", action="append", default=[], metavar="MODEL", help="on it: a name, or a JSON object")


def size(written: str) -> int:
    """`24GiB`, `2.5GB` or `300` in bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?", written.strip().lower())
    if not found or found[2] not in _UNITS:
        raise argparse.ArgumentTypeError(f"cannot read {written!r}: write a number of bytes, such as 24GiB")
    return int(float(found[1]) * _UNITS[found[2]])


def hardware(given: argparse.Namespace) -> Hardware | None:
    """Options over the file; None if nothing is said of a machine. Raises BadScript and OSError."""
    said: dict[str, Any] = {name: value for name in _FIELDS if (value := getattr(given, name)) is not None}
    if given.disk:
        said["models"] = [_model(written) for written in given.disk]
    try:
        filed = msgspec.json.decode(given.machine.read_bytes(), type=dict[str, Any]) if given.machine else {}
        return msgspec.convert(filed | said, Hardware) if filed or said else None
    except msgspec.DecodeError as problem:
        raise BadScript(f"the machine: {problem}") from problem


def _model(written: str) -> LocalModel:
    """One of the library by its name, or any from its fields."""
    if written.lstrip().startswith("{"):
        try:
            return msgspec.json.decode(written, type=LocalModel)
        except msgspec.DecodeError as problem:
            raise BadScript(f"--disk {written[:80]!r}: {problem}") from problem
    known = {tagged(model.name): model for model in LIBRARY}
    if tagged(written) not in known:
        raise unknown("model", written, tuple(known))
    return known[tagged(written)]
