"""`earthward tco`: what owning would cost beside the cloud."""

from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from earthward.cli.output import DONE, NO, fail, print_json
from earthward.cli.tco_screen import show
from earthward.cost.against import Plan, Reason, reasons_against
from earthward.cost.energy import Power
from earthward.cost.ownership import Box, Cloud, Ownership, Scenario, Work, ownership
from earthward.cost.presets import PRESETS
from earthward.cost.price_book import list_day
from earthward.cost.prices import prices_from
from earthward.cost.rates import rate_for
from earthward.cost.sensitivity import Swing, tornado
from earthward.sizing.capacity import Capacity, capacity, monthly
from earthward.sizing.gpus import Gpu, UnknownName, gpu
from earthward.sizing.models import model

WORKSTATION = Decimal(2000)
MILLION = 1_000_000
PEAK = Decimal(4)
MOST = Decimal(10**15)
IDLE_SHARE = Decimal("0.15")
"""Of a card's maximum, with a machine around it; a guess to be replaced by a meter."""
MACHINE_WATTS = Decimal(80)


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.replace("_", "").removesuffix("%"))
    except InvalidOperation:
        raise typer.BadParameter(f"{text!r} is no number") from None
    if not number.is_finite() or number < 0:
        raise typer.BadParameter(f"{text} is not a number of zero or more")
    if number > MOST:
        raise typer.BadParameter(f"{text} is more than can be reckoned with")
    return number / 100 if text.endswith("%") else number


def _amount(default: str | None, name: str, help: str) -> Any:
    return typer.Option(default, name, help=help, parser=_number, metavar="NUMBER")


class Case(msgspec.Struct, frozen=True):
    """One comparison, all of it computed."""

    scenario: Scenario
    result: Ownership
    swings: tuple[Swing, ...]
    reasons: tuple[Reason, ...]
    capacity: Capacity | None
    local_model: str
    rented: Decimal | None = None


def tco(
    preset: Annotated[str | None, typer.Option(help=f"A scenario with a name: {', '.join(PRESETS)}.")] = None,
    usage: Annotated[
        Path | None, typer.Option(help="What `earthward assess --json` printed; its work is reckoned with.")
    ] = None,
    requests: Decimal = _amount(None, "--requests", "Requests a month."),
    input_tokens: Decimal = _amount("500", "--input-tokens", "Of one request, on average."),
    output_tokens: Decimal = _amount("200", "--output-tokens", "Of one answer, on average."),
    cached_share: Decimal = _amount(None, "--cached", "Share of the input that the cloud reads from its cache: 30%."),
    growth: Decimal = _amount("0", "--growth", "Of the requests, a year: 20%."),
    peak: Decimal = _amount(None, "--peak", "How many times the average the busiest is; as in --usage, else 4."),
    cloud_model: Annotated[str, typer.Option(help="Whose list price the cloud asks.")] = "claude-sonnet-4-5",
    cloud_price: Annotated[str | None, typer.Option(help="Instead: dollars per million tokens, as 3/15.")] = None,
    cloud_decline: Decimal = _amount("0", "--cloud-decline", "By how much the cloud's prices fall a year: 20%."),
    card: Annotated[str | None, typer.Option("--gpu", help="A card of the table, such as `RTX 4090`.")] = None,
    local_model: Annotated[str, typer.Option(help="The model to host, as Ollama names it.")] = "llama3.1:8b",
    context: Annotated[int | None, typer.Option(min=1, help="Tokens of room for each conversation.")] = None,
    slots: Annotated[int, typer.Option(min=1, max=256, help="Most conversations at once on one box.")] = 16,
    box_price: Decimal = _amount(None, "--box-price", "A quote for one box; by default card and workstation."),
    capacity_a_month: Decimal = _amount(None, "--capacity", "Requests a month a box carries, if measured."),
    headroom: Decimal = _amount("30%", "--headroom", "Of the capacity, left free at the peak."),
    spare: Annotated[int, typer.Option(min=0, max=1000, help="Boxes beside those the work needs.")] = 0,
    maintenance: Decimal = _amount("200", "--maintenance", "Dollars a year for each box."),
    kwh_price: Decimal = _amount("0.15", "--kwh-price", "Dollars a kilowatt-hour."),
    idle_watts: Decimal = _amount(None, "--idle-watts", "At the wall, doing nothing."),
    busy_watts: Decimal = _amount(None, "--busy-watts", "At the wall, under load."),
    pue: Decimal = _amount("1", "--pue", "What the building takes on top: 1.5 for half as much again."),
    hosting: Decimal = _amount("0", "--hosting", "Dollars a month for each box: rack, network."),
    staff_hours: Decimal = _amount("0", "--staff-hours", "A month."),
    staff_rate: Decimal = _amount("60", "--staff-rate", "Dollars an hour."),
    months: Annotated[int, typer.Option(min=1, max=240, help="The horizon.")] = 36,
    residual: Decimal = _amount("0", "--residual", "What a box is sold for in the end: 20%."),
    discount: Decimal = _amount("0", "--discount", "What money is worth less a year later: 5%."),
    cloud_gpu: Decimal = _amount(None, "--rent", "Dollars an hour for such a box in a cloud, to compare."),
    availability: Decimal = _amount(None, "--availability", "What is promised to users: 99.9%."),
    quality_proven: Annotated[bool, typer.Option(help="The local model passed on your own requests.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare owning boxes with paying a cloud by the token: total, month by month, break-even, what moves it most,
    and when not to migrate. Exit status 1 where something stands against it.
    """
    if preset is not None:
        _finish([*_preset(preset)], json=json)
    assessed = None
    if usage:
        work, assessed = _usage(usage, growth, cached_share)
    elif requests is not None:
        work = Work(requests, input_tokens, output_tokens, growth, min(cached_share or Decimal(0), Decimal(1)))
    else:
        fail("how many requests a month? --requests 100000, --usage FILE or --preset playbook")
    peak = peak if peak is not None else assessed or PEAK
    if peak < 1:
        fail("--peak: the busiest hour has no less than the average; give 1 or more")
    if any(share >= 1 for share in (headroom, cloud_decline)) or residual > 1:
        fail("--headroom, --cloud-decline and --residual are shares below 100%")
    try:
        chosen = gpu(card) if card else None
        found = _capacity(local_model, chosen, work, context, slots) if chosen else None
    except UnknownName as error:
        fail(str(error))
    if chosen is None and box_price is None:
        fail("what would be bought? --gpu 'RTX 4090', or --box-price with --capacity")
    carried = capacity_a_month
    if carried is None and found:
        carried = monthly(found.requests_per_second, peak_factor=peak, headroom=headroom)
    if carried is not None and carried <= 0:
        fail("a box that carries nothing can't be reckoned with; --capacity must be above zero")
    box = Box(
        name=chosen.name if chosen else "box",
        price=box_price if box_price is not None else _price_of(chosen),
        maintenance=maintenance,
        power=_power(chosen, idle_watts, busy_watts, kwh_price, pue),
        hosting=hosting,
        capacity=carried,
        residual=residual,
        spare=spare,
    )
    cloud = _cloud(cloud_model, cloud_price, cloud_decline, work)
    scenario = Scenario(work, cloud, box, months, staff_hours, staff_rate, discount)
    plan = Plan(found.fits if found else None, quality_proven, availability, staff_hours > 0)
    _finish([_case(scenario, plan, found, local_model if chosen else "", cloud_gpu)], json=json)


def _preset(name: str) -> list[Case]:
    if name not in PRESETS:
        fail(f"there is no preset {name!r}; known: {', '.join(PRESETS)}")
    preset = PRESETS[name]
    found = [_capacity(preset.local_model, gpu(preset.gpu), it.work, None, 16) for it in preset.scenarios]
    return [
        _case(scenario, Plan(fits=of.fits), of, preset.local_model)
        for scenario, of in zip(preset.scenarios, found, strict=True)
    ]


def _case(
    scenario: Scenario, plan: Plan, found: Capacity | None, local_model: str, rent: Decimal | None = None
) -> Case:
    result = ownership(scenario)
    reasons = reasons_against(scenario, result, plan)
    if found and local_model and scenario.box.capacity is None:
        reasons += _carries(scenario, found, local_model)
    rented = None if rent is None else ownership(_rented(scenario, rent)).own
    return Case(scenario, result, tuple(tornado(scenario)), tuple(reasons), found, local_model, rented)


def _carries(scenario: Scenario, found: Capacity, name: str) -> list[Reason]:
    """For scenarios that reckon with one box whatever it carries."""
    can = monthly(found.requests_per_second, peak_factor=Decimal(1), headroom=Decimal(0))
    if can >= scenario.work.requests:
        return []
    text = (
        f"One such card with {name} carries about {can:,.0f} of these requests a month even if it never rests, at "
        f"{found.single:.1f} tokens a second; {scenario.work.requests:,.0f} are asked for. The money above is right, "
        "the box is not."
    )
    return [Reason("capacity", True, text)]


def _rented(scenario: Scenario, rent: Decimal) -> Scenario:
    """The same work on boxes that are paid by the hour, power and upkeep included."""
    zero = Decimal(0)
    rented = {"price": zero, "maintenance": zero, "electricity": zero, "power": None, "hosting": zero, "rent": rent}
    return msgspec.structs.replace(scenario, box=msgspec.structs.replace(scenario.box, **rented))


def _capacity(name: str, card: Gpu, work: Work, context: int | None, slots: int) -> Capacity:
    return capacity(
        model(name),
        card,
        input_tokens=float(work.input_tokens),
        output_tokens=float(work.output_tokens),
        context=context,
        slots=slots,
    )


def _price_of(card: Gpu | None) -> Decimal:
    if card is None or not card.prices:
        fail(f"no price of {card.name if card else 'it'} is known; give --box-price")
    middle = sum(Decimal(low + high) / 2 for low, high, _ in card.prices) / len(card.prices)
    return round(middle) + (Decimal(0) if card.kind in ("apple", "unified") else WORKSTATION)


def _power(card: Gpu | None, idle: Decimal | None, busy: Decimal | None, price: Decimal, pue: Decimal) -> Power | None:
    most = Decimal(card.watts) if card and card.watts else None
    if busy is None and most is None:
        return None if idle is None else Power(idle, idle, price, pue)
    busy = busy if busy is not None else (most or Decimal(0)) + MACHINE_WATTS
    idle = idle if idle is not None else busy * IDLE_SHARE
    return Power(min(idle, busy), busy, price, pue)


def _cloud(name: str, price: str | None, decline: Decimal, work: Work) -> Cloud:
    """At the price of prompts as long as these are on average."""
    if price is not None:
        into, slash, out = price.partition("/")
        if not slash:
            fail(f"--cloud-price takes dollars per million tokens in and out, as 3/15; not {price!r}")
        try:
            return Cloud("the cloud", _number(into), _number(out), decline=decline)
        except typer.BadParameter as error:
            fail(f"--cloud-price: {error}")
    short, rates = prices_from(name)
    long = rate_for(rates, datetime.combine(list_day(), time(12), tzinfo=UTC), int(work.input_tokens))
    listed = long.price if long else short
    if listed.input is None or listed.output is None:
        fail(f"no price of {name!r} is listed; look with `earthward prices search`, or give --cloud-price 3/15")
    cached = None if listed.cached is None else Decimal(listed.cached) / MILLION
    return Cloud(name, Decimal(listed.input) / MILLION, Decimal(listed.output) / MILLION, cached, decline)


def _usage(path: Path, growth: Decimal, cached: Decimal | None) -> tuple[Work, Decimal | None]:
    """The work that an assessment found, as if its days were usual ones, and its peak if it tells one."""
    try:
        found = msgspec.json.decode(path.read_bytes())["work"]
        if found is None:
            fail(f"{path} does not tell how many requests there were; give --requests and the tokens of one")
        requests, into, out = (Decimal(str(found[it])) for it in ("requests_a_month", "input_tokens", "output_tokens"))
        share = Decimal(str(found.get("cached_share") or 0)) if cached is None else cached
        peak = found.get("peak_factor")
        return (
            Work(requests, into, out, growth, min(share, Decimal(1))),
            None if peak is None else max(Decimal(1), Decimal(str(peak))),
        )
    except OSError as error:
        fail(f"{path} can't be read: {error.strerror}")
    except (msgspec.DecodeError, LookupError, TypeError, AttributeError, InvalidOperation):
        fail(f"{path} is not what `earthward assess --json` prints")


def _finish(cases: list[Case], *, json: bool) -> None:
    if json:
        print_json({"cases": [_plain(case) for case in cases]})
    else:
        for case in cases:
            show(case.scenario, case.result, case.swings, case.reasons, case.capacity, case.local_model, case.rented)
    raise typer.Exit(NO if any(reason.blocks for case in cases for reason in case.reasons) else DONE)


def _plain(case: Case) -> dict[str, Any]:
    """Dollars and months as decimal text, so that no program reads them as floats."""
    return {
        "scenario": case.scenario,
        "result": case.result,
        "sensitivity": case.swings,
        "against": case.reasons,
        "capacity": case.capacity,
        "local_model": case.local_model,
        "rented": case.rented,
    }
