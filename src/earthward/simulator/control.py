"""The control API: scripts in, log and sums out.

POST /sim/script   {"default": {…}, "models": {"gpt-4o": {…}}, "queue": [{"behaviour": {…}, "times": 3}],
                    "faults": {"500": 0.01}}
GET  /sim/script   what holds now
POST /sim/reset    forgets script, log and sums
GET  /sim/log      ?since=ORDINAL&limit=N&bodies=1
GET  /sim/stats    requests, endings, tokens, the bill in nano-dollars, loads of models
GET  /sim/faults   every fault and what a client meets
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from earthward.http.server import Request
from earthward.simulator.behaviour import BadScript
from earthward.simulator.faults import FAULTS
from earthward.simulator.journal import Journal
from earthward.simulator.machine import Machine
from earthward.simulator.script import Script

Handler = Callable[[Request, Script, Journal, Machine], Any]


def control(request: Request, script: Script, journal: Journal, machine: Machine) -> tuple[int, bytes]:
    """Status and body of what the control API says. Nothing of it is logged or counted."""
    handler = _HANDLERS.get((request.method, request.path))
    if handler is None:
        known = [f"{method.decode()} {path.decode()}" for method, path in _HANDLERS]
        return 404, msgspec.json.encode({"error": "no such path", "known": known})
    try:
        return 200, msgspec.json.encode(handler(request, script, journal, machine))
    except BadScript as problem:
        return 400, msgspec.json.encode({"error": str(problem)})


def _take_script(request: Request, script: Script, journal: Journal, machine: Machine) -> Any:
    script.read(request.body)
    return script.written()


def _reset(request: Request, script: Script, journal: Journal, machine: Machine) -> Any:
    script.reset()
    journal.reset()
    return {}


def _log(request: Request, script: Script, journal: Journal, machine: Machine) -> Any:
    asked = dict(parse_qsl(request.query.decode("latin-1")))
    try:
        since, limit = int(asked.get("since", 0)), int(asked.get("limit", 1000))
    except ValueError as problem:
        raise BadScript("since and limit are numbers") from problem
    return journal.log(since, limit, asked.get("bodies") == "1")


def _faults(request: Request, script: Script, journal: Journal, machine: Machine) -> Any:
    return [
        {"name": fault.name, "about": fault.about, "whole": fault.whole, "streamed": fault.streamed}
        for fault in FAULTS.values()
    ]


_HANDLERS: dict[tuple[bytes, bytes], Handler] = {
    (b"POST", b"/sim/script"): _take_script,
    (b"GET", b"/sim/script"): lambda request, script, journal, machine: script.written(),
    (b"POST", b"/sim/reset"): _reset,
    (b"GET", b"/sim/log"): _log,
    (b"GET", b"/sim/stats"): lambda request, script, journal, machine: journal.stats() | {"loads": machine.loads},
    (b"GET", b"/sim/faults"): _faults,
}
