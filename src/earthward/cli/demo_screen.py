"""What the demo shows: what runs, three bars, a table, and how to go on. Only drawing; it decides nothing."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from earthward.cli.demo_applications import Answer
from earthward.cli.demo_figures import Figures, Line
from earthward.cli.demo_stage import LOCAL, LOCAL_MODEL, SHARE, Stage
from earthward.cli.demo_traffic import Phase
from earthward.cli.ledger import dollars
from earthward.config.snapshot import Price

INDENT = 2
LABEL = 16
ROOMY = 86
"""Columns from which on a table may have wider gaps."""
COLOURS = {"baseline": "cyan", "candidate": "green", "rescued": "yellow", "lost": "bold red"}

PARTS = {
    "local model": f"{LOCAL_MODEL} in llama.cpp, real, on this machine's CPU",
    "cloud": "simulated OpenAI and Anthropic: made-up words, list prices",
    "gateway": f"{{where}}, {SHARE} % to the local model",
}


class Screen:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._tick = "✓" if console.encoding.startswith("utf") else "+"

    def opening(self) -> None:
        self._print(
            Text("Earthward demo", "bold"),
            Text("A quarter of two vendors' traffic moves to one model on this machine."),
        )
        self._console.print()

    @contextlib.contextmanager
    def starting(self) -> Iterator[Callable[[str, str], None]]:
        """Yields what is to be told of each part that is up: what it is, and where."""
        with self._console.status("starting a model, two clouds and a gateway"):
            yield lambda part, where: self._ticked(part, PARTS[part].format(where=where))
        self._console.print()

    @contextlib.contextmanager
    def bars(self) -> Iterator["Bars"]:
        progress = Progress(
            TextColumn(" " * (INDENT - 1)),
            TextColumn("{task.description:<" + str(LABEL - 1) + "}"),
            BarColumn(20, complete_style="cyan", finished_style="green"),
            MofNCompleteColumn(),
            _Seconds(),
            TextColumn("{task.fields[told]}"),
            console=self._console,
        )
        with progress:
            yield Bars(progress)

    def outcome(self, phases: list[Phase]) -> None:
        """What the bars have shown, in words."""
        _, gone, back = phases
        lost = sum(phase.lost for phase in phases)
        requests = sum(phase.requests for phase in phases)
        words = (
            f"While the local model was gone, {gone.candidate} of {gone.requests} requests were the candidate's; "
            f"the cloud rescued {gone.rescued}. "
        )
        if back.rescued:
            words += f"Once it was back, single requests tried it first; meanwhile the cloud served {back.rescued}. "
        verdict = f"None of {requests} was lost." if not lost else f"{lost} of {requests} were lost."
        if self._console.is_interactive or not self._console.is_terminal:  # else the bars left a line free
            self._console.print()
        self._print(Text.assemble(words, (verdict, "bold" if not lost else COLOURS["lost"])))
        self._print(*(Text(f"{phase.name}: {phase.why}", COLOURS["lost"]) for phase in phases if phase.lost))
        self._console.print()

    def figures(self, found: Figures, prices: Mapping[str, Price]) -> None:
        listed = ", ".join(f"{model} {_per_million(price)}" for model, price in prices.items())
        notes = (
            f"Cost and savings are at list prices per million tokens: {listed}. The clouds are simulated: "
            "nobody is billed. Of the local model, energy and hardware are not counted."
        )
        table = _table(found, gap=2 if self._console.width >= ROOMY else 1)
        self._print(Text("From the ledger", "bold"), table, Text(), Text(notes, "dim"))
        self._console.print()

    def ways_on(self, stage: Stage, command: str) -> None:
        self._print(Text("Point an application at it", "bold"))
        self._copied(f"export OPENAI_BASE_URL={stage.url}/v1", f"export OPENAI_API_KEY={stage.api_key}")
        self._copied(f"export ANTHROPIC_BASE_URL={stage.url}", f"export ANTHROPIC_API_KEY={stage.api_key}")
        self._print(Text("\nWatch what it does", "bold"))
        self._copied(f"{command} ledger tail -f -c {stage.configuration}")
        self._print(Text("\nRaise a share in its configuration, or look at /metrics and /api/status", "bold"))
        self._named("configuration", stage.configuration)
        self._named("admin port", stage.admin_url)
        self._named("its token", stage.admin_token)

    def staying_up(self) -> None:
        self._print(Text("\nCtrl-C ends all of it and removes its files.", "bold"))

    def _ticked(self, name: str, text: str) -> None:
        self._print(Text.assemble((self._tick, "green"), f" {name:<{LABEL - 2}}{text}"))

    def _print(self, *shown: RenderableType) -> None:
        self._console.print(Padding(Group(*shown), (0, INDENT), expand=False))

    def _named(self, name: str, value: object) -> None:
        text = Text.assemble(" " * INDENT, f"{name:<{LABEL}}", (str(value), "cyan"))
        self._console.print(text, soft_wrap=True)

    def _copied(self, *lines: str) -> None:
        """Lines for a shell: never broken, however narrow the terminal."""
        for line in lines:
            self._console.print(Text(" " * INDENT + line, "cyan"), soft_wrap=True)


class Bars:
    """A bar for each phase, with what became of its requests beside it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def follow(self, name: str, count: int, answers: Iterator[Answer], until_then: str = "") -> Phase:
        """Draws the answers as they come, and counts them. `until_then` is told before the first."""
        phase = Phase(name)
        task = self._progress.add_task(name, total=count, told=until_then)
        for answer in answers:
            phase.add(answer)
            total = max(count, phase.requests)
            self._progress.update(task, completed=phase.requests, total=total, told=_told(phase))
        return phase


class _Seconds(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_time or task.elapsed or 0:4.0f} s ", "dim")


def _told(phase: Phase) -> str:
    counts = {"baseline": ("cloud", phase.cloud), "candidate": ("local", phase.local)}
    counts |= {"rescued": ("rescued", phase.rescued), "lost": ("lost", phase.lost)}
    return "  ".join(f"[{COLOURS[key]}]{word} {count}[/]" for key, (word, count) in counts.items() if count)


COLUMNS: tuple[tuple[str, Callable[[Line], str]], ...] = (
    ("requests", lambda line: str(line.sums.requests)),
    ("errors", lambda line: str(line.sums.errors)),
    ("TTFT p50", lambda line: _seconds(line.sums.ttft_p50)),
    ("TTFT p95", lambda line: _seconds(line.sums.ttft_p95)),
    ("tokens/s", lambda line: "-" if line.sums.tokens_per_second is None else f"{line.sums.tokens_per_second:.0f}"),
    ("cost", lambda line: "uncounted" if line.sums.unknown_costs == line.sums.requests else dollars(line.sums.cost)),
    ("saved", lambda line: dollars(line.saved) if line.saved else "-"),
)
OF_ONE_SERVER = frozenset({"TTFT p50", "TTFT p95", "tokens/s"})
"""Over servers as different as these they would mean nothing."""


def _table(found: Figures, gap: int) -> Table:
    """A heading for each model that was asked for, and a line for each arm and who served it."""
    table = Table(box=None, pad_edge=False, padding=(0, gap), collapse_padding=True)
    table.add_column("")
    for name, _ in COLUMNS:
        table.add_column(name.replace(" ", "\n").replace("/", "\n/"), justify="right", vertical="bottom")
    for asked_for, lines in itertools.groupby(found.lines, key=lambda line: line.asked_for):
        table.add_row(Text(asked_for, "bold"))
        for line in lines:
            style = COLOURS.get("rescued" if line.sums.rescued else line.sums.arm, "")
            table.add_row(_who(line), *(cell(line) for _, cell in COLUMNS), style=style)
    sums = ("" if name in OF_ONE_SERVER else cell(found.all) for name, cell in COLUMNS)
    table.add_row("all", *sums, style="bold")
    return table


def _who(line: Line) -> str:
    """What is rescued was the candidate's."""
    where = {LOCAL: "local", "": "nobody"}.get(line.sums.target, "cloud")
    return f"{'rescued' if line.sums.rescued else line.sums.arm}, {where}"


def _seconds(nanoseconds: int | None) -> str:
    return "-" if nanoseconds is None else f"{nanoseconds / 1e9:.2f} s"


def _per_million(price: Price) -> str:
    into, out = (f"${(pico or 0) / 1e6:.2f}" for pico in (price.input, price.output))
    return f"{into} in and {out} out"
