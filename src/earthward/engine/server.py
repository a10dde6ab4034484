"""llama.cpp's own HTTP server, inside this process. The only place that knows xllamacpp."""

import http.client
import os
import re
import socket
import tempfile
import time
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

HOST = "127.0.0.1"
ERRORS_ONLY, EVERYTHING = 1, 3
# llama.cpp would keep up to 8 GiB of old prompts in memory.
PROMPT_CACHE_MIB = 256


class CannotServe(Exception):
    """The engine cannot start; the message is one line and says why."""


class Settings(msgspec.Struct, frozen=True):
    """`context` is in tokens, for each of `slots` requests at a time. Port 0 is any port."""

    model: Path
    name: str
    port: int = 0
    context: int = 4096
    slots: int = 4
    threads: int | None = None
    log: Path | None = None


WRITTEN_WITHIN = 3.0
"""Seconds."""


class Serving(msgspec.Struct, frozen=True):
    """`server` serves for as long as it is referred to."""

    url: str
    server: Any


def serve(settings: Settings) -> Serving:
    """Load the model and listen; returns once requests are answered, in threads of llama.cpp's own.

    Raises CannotServe when xllamacpp is missing, the port is taken or llama.cpp refuses the model.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise CannotServe(
            f"llama.cpp is not installed ({error}): install the extra: pip install 'earthward[engine]'"
        ) from error
    refuse_a_taken_port(settings.port)
    with opened(settings.log) as output:
        start = output.seek(0, os.SEEK_END)
        print_to(output)
        try:
            server = xllamacpp.Server(parameters(xllamacpp.CommonParams(), settings))
        except RuntimeError as error:
            cause = first_error(output, start) or error
            raise CannotServe(f"llama.cpp could not load {settings.model}: {cause}") from error
    if settings.log is None:
        with Path(os.devnull).open("wb") as nowhere:
            print_to(nowhere)
    url = str(server.listening_address)
    if not is_healthy(url):
        raise CannotServe(f"llama.cpp loaded {settings.model}, but does not answer on {url}")
    return Serving(url, server)


def parameters(params: Any, settings: Settings) -> Any:
    params.model.path = str(settings.model)
    params.model_alias = {settings.name}
    params.hostnames = [HOST]
    params.port = settings.port
    # Each slot has a context of its own: a request that fits is never refused because of its neighbours.
    params.n_ctx = settings.context * settings.slots
    params.n_parallel = settings.slots
    params.kv_unified = False
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.verbosity = EVERYTHING if settings.log else ERRORS_ONLY
    threads = settings.threads or default_threads(cores())
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.endpoint_metrics = True
    # No pages, and no web site a user visits may talk to it (its default allows any origin).
    params.ui = False
    params.cors_origins = ""
    params.cors_origins_explicit = True
    return params


def default_threads(cores: int) -> int:
    """Half of the cores. llama.cpp's threads wait for each other many times per token, so one that has to share its
    core holds up all: on two cores with two busy neighbours, 1 to 16 tokens/s with two threads, 35 with one.
    """
    return max(1, cores // 2)


def cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def refuse_a_taken_port(port: int) -> None:
    """llama.cpp says no more than that something is wrong, and only after it has loaded the model."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotServe(f"cannot listen on {HOST}:{port}: {error.strerror}; take another with --port") from error


def opened(log: Path | None) -> IO[bytes]:
    """Where llama.cpp's output goes while it loads: the log, or a file that vanishes."""
    if log is None:
        return tempfile.TemporaryFile()
    try:
        return log.open("a+b")
    except OSError as error:
        raise CannotServe(f"cannot write the log {log}: {error.strerror}") from error


def print_to(file: IO[bytes]) -> None:
    """C code prints to these two descriptors, whatever Python's own streams are."""
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)


def first_error(output: IO[bytes], start: int) -> str | None:
    """What llama.cpp gave as the cause: later lines only say that something failed because of it.

    A thread of its own writes it down, perhaps only when all else is over.
    """
    end = time.monotonic() + WRITTEN_WITHIN
    while True:
        output.seek(start)
        found = re.search(rb"^\S+ E (?:\w+: )?(.*)\n", output.read(), re.MULTILINE)
        if found or time.monotonic() > end:
            return found[1].decode(errors="replace") if found else None
        time.sleep(0.05)


def is_healthy(url: str) -> bool:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or HOST, address.port, timeout=60)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
