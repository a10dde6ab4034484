"""`earthward init`: looks around on this machine, and writes a first configuration."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from earthward.cli.output import fail, print_json, write_new
from earthward.config.load import read
from earthward.config.starter import BY_HAND, CLOUD, LocalModel, LocalServer, Surroundings, starter
from earthward.config.task_routes import PRESETS
from earthward.config.written import text_of
from earthward.probe.machine import Machine, machine
from earthward.probe.servers import USUAL_PORTS, Found, Server, ollama, ollama_url, openai_compatible

FILE = Path("earthward.yaml")
FITS = 1.2
"""A model in memory takes its file's size and about a fifth more."""


def init(
    output: Annotated[Path, typer.Option("--output", "-o", help="Write it here.")] = FILE,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    port: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=65535,
            help="Look for OpenAI-compatible servers here instead of at "
            f"{', '.join(map(str, USUAL_PORTS))}; may be given often.",
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Add routes by task: {', '.join(PRESETS)}.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look around on this machine, and write a first configuration with comments.

    Looks for vendors' keys in the environment, for Ollama (where OLLAMA_HOST says, else on port 11434) and its models,
    for other servers of models on the usual ports, and at memory and GPUs. Only servers on this machine and OLLAMA_HOST
    are asked, and only for their lists. The file passes `earthward check`, and moves none of today's traffic: local
    models begin with a share of 0 %.

    `--preset playbook` adds a route for each of five tasks: code completion, summarisation, chat, complex reasoning and
    creative writing. The first three may move to local models, the others stay in the cloud.
    """
    if preset is not None and preset not in PRESETS:
        fail(f"there is no preset {preset!r}; known: {', '.join(PRESETS)}")
    here = machine()
    found = servers(ollama_url(os.environ), port or list(USUAL_PORTS))
    around = surroundings(here, found, frozenset(name for name, value in os.environ.items() if value.strip()))
    text = text_of(starter(around, PRESETS[preset] if preset else ()))
    read(text.encode(), output.absolute())
    write_new(output, text, force=force)
    if json:
        print_json(
            {"file": str(output), "found": around.lines, "machine": here, "servers": found, "configuration": text}
        )
    else:
        _tell(output, around)


def servers(url: str, ports: list[int]) -> list[Server]:
    """What answers at these places, all asked at once."""
    with ThreadPoolExecutor(max_workers=16) as threads:
        asked = [threads.submit(ollama, url), *(threads.submit(openai_compatible, port) for port in ports)]
        answers = [answer.result() for answer in asked]
    found = [server for server in answers if server is not None]
    own = {server.url for server in found if server.kind == "ollama"}
    # An Ollama lists its models as OpenAI does, too.
    return [server for server in found if server.kind == "ollama" or server.url.removesuffix("/v1") not in own]


def surroundings(here: Machine, found: list[Server], variables: frozenset[str]) -> Surroundings:
    """What was found as the starter takes it."""
    keys = [name for name in (*(key for key, _ in CLOUD.values()), *BY_HAND) if name in variables]
    lines = [*(f"{name} in the environment" for name in keys), *map(_server_line, found), *_machine_lines(here)]
    local = tuple(LocalServer(it.kind, it.name, it.url, _models(it.models, here.room)) for it in found)
    return Surroundings(variables, local, tuple(lines))


def _models(models: tuple[Found, ...], room: int) -> tuple[LocalModel, ...]:
    """To chat with, on this machine; the largest that fits first, then what is too large."""
    usable = [it for it in models if it.is_chat and not it.is_remote]
    ordered = sorted(usable, key=lambda it: (_is_too_large(it, room), -(it.size or 0)))
    return tuple(LocalModel(it.name, it.size, it.context) for it in ordered)


def _is_too_large(model: Found, room: int) -> bool:
    return (model.size or 0) * FITS > room


def _server_line(server: Server) -> str:
    version = f" {server.version}" if server.version else ""
    models = len(server.models)
    return f"{server.name}{version} at {server.url} with {models} model{'' if models == 1 else 's'}"


def _machine_lines(here: Machine) -> list[str]:
    gpus = [f"{gpu.name} with {_gigabytes(gpu.memory)}" for gpu in here.gpus]
    return [f"{here.cores} cores, {_gigabytes(here.memory)} of memory", *(gpus or ["no GPU that could be asked"])]


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.0f} GB"


def _tell(output: Path, around: Surroundings) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print("Found on this machine:")
    for line in around.lines:
        console.print(Text(f"  {line}"))
    named = "" if output == FILE else f" -c {output}"
    console.print(Text(f"\n{output} is written. Look at it, and then:\n"))
    for command, why in (
        (f"earthward check{named}", "what it means, with prices"),
        (f"earthward doctor{named}", "whether everything it names is there"),
        (f"earthward keys create --app mine{named}", "a key for a caller"),
        (f"earthward serve{named}", "run it"),
    ):
        console.print(Text(f"  {command:<40}{why}"))
