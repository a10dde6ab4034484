"""`earthward explain`: how a request would be served, without sending it anywhere."""

from collections.abc import Container, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.chat import Failure
from earthward.cli.admin import told_if_running
from earthward.cli.check import CONFIG
from earthward.cli.key_usage import limits_table
from earthward.cli.output import DONE, NO, fail, print_json
from earthward.config.compile import compile
from earthward.config.load import load
from earthward.config.problems import ConfigErrors, unknown
from earthward.config.snapshot import DATA_CLASSES, Key
from earthward.dialects.envelope import read
from earthward.gateway import switch
from earthward.gateway.decide import Decision, decide, hints_of, minute_of_week
from earthward.gateway.doors import DOORS, door_at
from earthward.gateway.doors.door import Question
from earthward.gateway.explain import Attempted, Explanation, explanation
from earthward.gateway.limiting import without
from earthward.gateway.limits_left import Remaining
from earthward.gateway.state import State
from earthward.http.head import by_name
from earthward.routing.match import Router
from earthward.routing.plan import Plan, Planner

PATHS = tuple(sorted(path.decode() for path in DOORS))
GEMINI_PATH = "/v1beta/models/MODEL:generateContent"
UNDRAWN = "no gateway has run with this configuration yet: which arm a conversation is on is drawn when one has"


def explain(
    request: Annotated[Path, typer.Argument(help="The request's body, as JSON.", metavar="REQUEST.json")],
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    path: Annotated[
        str | None, typer.Option("--path", help=f"Where it would be sent: {', '.join(PATHS)}. Default: a guess.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="A header of it, as in `x-earthward-task: chat`.")
    ] = None,
    key: Annotated[str, typer.Option(help="The id of the key it would come with.")] = "",
    app: Annotated[str, typer.Option(help="The key's application.")] = "",
    team: Annotated[str, typer.Option(help="The key's team.")] = "",
    data_class: Annotated[str, typer.Option(help="The key's class of data.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how a request would be served: route, arm, what would be tried, what not, and why.

    Nothing is sent to any provider. If a gateway runs with this configuration, it is asked what is left of the limits
    that apply. Exit status 1 means that nobody would serve it.
    """
    if data_class and data_class not in DATA_CLASSES:
        fail(unknown("class of data", data_class, DATA_CLASSES))
    try:
        configuration = load(config)
    except ConfigErrors as errors:
        fail(f"{config} is not sound; see `earthward check`:\n{errors}")
    snapshot = compile(configuration)
    question = _question(request, path)
    router = Router(snapshot)
    salt = _salt(configuration.state)
    caller = Key(key, b"", app, team, data_class=data_class)
    own_key = question.door.key_dialect if snapshot.auth == "passthrough" else None
    hints = hints_of(_headers(header or []))
    now = datetime.now().astimezone()
    minute = minute_of_week(now.weekday(), now.hour, now.minute)
    planner = Planner(router.targets, switch.read(State(configuration.state).switch))
    decision = decide(router, planner, question, hints, caller, salt or b"", own_key, minute)
    if isinstance(decision, Failure):
        if json:
            print_json({"served": False, "why": decision.message})
            raise typer.Exit(NO)
        fail(decision.message, NO)
    told = told_if_running(State(configuration.state), "api", "limits")
    limits = msgspec.convert(told["limits"], tuple[Remaining, ...]) if told is not None else ()
    applying = applying_limits(limits, caller, [name for name, _ in decision.plan.attempts])
    spent = spent_targets(applying, decision.plan, {it.name for it in snapshot.targets if it.zone == "cloud"})
    if spent:
        decision = msgspec.structs.replace(decision, plan=without(decision.plan, spent))
    found = explanation(question, decision, snapshot)
    if told is not None:
        found = msgspec.structs.replace(found, limits=applying)
    _tell(decision, found, is_drawn=bool(salt), json=json)


def applying_limits(limits: Iterable[Remaining], caller: Key, targets: Iterable[str]) -> tuple[Remaining, ...]:
    """Those of the caller, and of the targets that would be tried."""
    who = {("key", caller.id), ("team", caller.team), ("app", caller.app), *(("target", name) for name in targets)}
    return tuple(limit for limit in limits if (limit.scope, limit.name) in who)


def spent_targets(limits: Iterable[Remaining], plan: Plan, clouds: Container[str]) -> dict[str, str]:
    """The targets in the cloud that a budget no longer pays for, and whose it is."""
    spent = [it for it in limits if it.limit.startswith("budget") and not it.is_soft and it.left <= 0]
    found = {}
    for name, _ in plan.attempts:
        of = next((it for it in spent if it.scope != "target" or it.name == name), None)
        if of is not None and name in clouds:
            found[name] = f"the cloud budget of {of.scope} {of.name} is spent"
    return found


def _question(file: Path, path: str | None) -> Question:
    try:
        body = file.read_bytes()
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}")
    envelope = read(body)
    if isinstance(envelope, Failure):
        fail(f"{file}: {envelope.message}")
    if path is None:
        path = _guessed(set(envelope.fields))
    door = door_at(path.encode(), b"")
    if door is None:
        fail(unknown("path", path, (*PATHS, GEMINI_PATH)))
    glance = door.glance(envelope)
    if isinstance(glance, Failure):
        fail(f"{file}, as a request to {path}: {glance.message}")
    return Question(door, envelope, glance, "explained", 0)


def _guessed(fields: set[str]) -> str:
    """By fields that only one dialect has; OpenAI's chat if none of them is there."""
    if "contents" in fields:
        fail(f"a request of Google's names its model in the path: add --path {GEMINI_PATH}")
    if "input" in fields:
        return "/v1/responses"
    if "prompt" in fields:
        return "/v1/completions" if "max_tokens" in fields else "/api/generate"
    if fields & {"options", "keep_alive", "think"}:
        return "/api/chat"
    if fields & {"system", "stop_sequences", "anthropic_version", "thinking"}:
        return "/v1/messages"
    return "/v1/chat/completions"


def _headers(lines: list[str]) -> dict[bytes, bytes]:
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            fail(f"`{line}` is no header; write it as in `x-earthward-task: chat`")
        headers.append((name.strip().lower().encode(), value.strip().encode()))
    return by_name(headers)


def _salt(state: Path) -> bytes | None:
    """What units are drawn with; None where no gateway has made it yet."""
    try:
        return (state / "salt").read_bytes()
    except OSError:
        return None


def _tell(decision: Decision, found: Explanation, *, is_drawn: bool, json: bool) -> None:
    is_open = not is_drawn and decision.route.candidate is not None and found.bucket is not None
    if json:
        print_json({"served": bool(found.attempts), "drawn": not is_open, "explanation": found})
    else:
        _show(found, is_open=is_open)
    raise typer.Exit(DONE if found.attempts else NO)


def _show(found: Explanation, *, is_open: bool) -> None:
    console = Console(highlight=False)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column()
    needs = ", ".join(found.needs) or "nothing special"
    drawn = "" if found.bucket is None else f" for the candidate; drew {found.bucket:.2%}"
    arm = "none: the route has one target" if found.arm == "only" else f"{found.arm}, of {found.share:.2%}{drawn}"
    boundary = "" if found.boundary is None else f" (keeps everything {found.boundary})"
    for name, value in (
        ("asks for", f"{found.model}, in {found.dialect}; needs {needs}"),
        ("data class", found.data_class),
        ("route", found.route + boundary),
        ("arm", UNDRAWN if is_open else arm),
    ):
        facts.add_row(name, Text(value))
    if found.drill:
        facts.add_row("drills", Text(found.drill))
    console.print(facts)
    console.print()
    if found.attempts:
        console.print(_attempts(found.attempts))
    else:
        console.print("Nobody would serve it.")
    for attempt in found.attempts:
        if attempt.context is not None:
            console.print(
                Text.assemble(("context ", "dim"), f"{attempt.target}: {attempt.context:,}, {attempt.context_why}")
            )
    for excluded in found.excluded:
        console.print(Text.assemble(("not ", "dim"), excluded.target, f": {excluded.why}"))
    if found.limits:
        console.print()
        console.print(limits_table(found.limits))


def _attempts(attempts: tuple[Attempted, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("", "target", "zone", "model", "why", "how"):
        table.add_column(name, header_style="dim")
    for place, attempt in enumerate(attempts, 1):
        table.add_row(str(place), *map(Text, (attempt.target, attempt.zone, attempt.model, attempt.why, _how(attempt))))
    return table


def _how(attempt: Attempted) -> str:
    if attempt.refused is not None:
        return f"left out: {attempt.refused}"
    how = f"translated to {attempt.dialect}" if attempt.translated else "passes through"
    if attempt.made_up:
        how += f", {', '.join(attempt.made_up)} made up for here"
    return f"{how}, without {', '.join(attempt.dropped)}" if attempt.dropped else how
