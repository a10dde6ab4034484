"""How commands speak to the control process of a gateway that runs with a state folder, by its admin API."""

import os
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from earthward.cli.output import NO, fail
from earthward.config import secrets
from earthward.config.load import load
from earthward.config.problems import ConfigErrors
from earthward.gateway.last_run import LastRun
from earthward.gateway.sockets import by_short_name
from earthward.gateway.start import last_state_of
from earthward.gateway.state import State

PATIENCE = 30.0


def state_of(config: Path, state: Path | None) -> State:
    """The state folder that this configuration names, if none is named. Ends the command where it can't be told.

    A file that is being edited must not keep anybody from an abort: then it is that of the gateway that runs with it.
    """
    try:
        return State(state or load(config).state)
    except ConfigErrors as errors:
        if (running := last_state_of(config)) is not None and is_running(running):
            print(f"earthward: {config} is not sound; going by the gateway that runs with it", file=sys.stderr)
            return running
        fail(f"{config} is not sound, so say where the state folder is with --state:\n{errors}")


def asked(state: State, method: str, *path: str, body: Any = None, query: str = "") -> tuple[int, Any]:
    """Status and answer. Ends the command where no gateway answers."""
    if not is_running(state):
        fail(f"no gateway runs with the state folder {state.folder}; start it with `earthward serve`", NO)
    try:
        url = state.admin_url.read_text() + "".join(f"/{quote(step, safe='')}" for step in path) + query
        token = _token(state)
    except (OSError, LookupError, ValueError, msgspec.DecodeError) as error:
        fail(f"can't tell how to reach the gateway's admin port: {error}", NO)
    data = None if body is None else msgspec.json.encode(body)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  written by the gateway, http always
    # Past any proxy: the token is for this port alone.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, msgspec.json.decode(answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, _read(refusal.read())
    except (OSError, msgspec.DecodeError) as error:
        fail(f"the gateway's admin port at {url} does not answer: {getattr(error, 'reason', error)}", NO)


def route_name(given: str) -> str:
    """Ends the command where this would be another path of the admin API."""
    if not given or "/" in given:
        fail(f"`{given}` is no name of a route")
    return given


def told_if_running(state: State, *path: str) -> Any | None:
    """The answer of the gateway that runs with this state folder; None if none does, or it has no answer."""
    if not is_running(state):
        return None
    status, answer = asked(state, "GET", *path)
    return answer if status == 200 else None


def is_running(state: State) -> bool:
    """Whether a control process listens to its workers there: the token is shown to nobody else."""
    try:
        with socket.socket(socket.AF_UNIX) as line, by_short_name(state.control_socket) as name:
            line.connect(name)
        return True
    except OSError:
        return False


def _token(state: State) -> str:
    boot = msgspec.msgpack.decode(state.boot.read_bytes(), type=LastRun).boot
    if boot.admin_token:
        return secrets.resolve(boot.admin_token, os.environ, lambda path: Path(path).read_text())
    return state.admin_token.read_text()


def _read(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return {"problem": data.decode("utf-8", "replace").strip()}
