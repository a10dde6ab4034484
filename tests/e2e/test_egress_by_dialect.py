"""What may not leave: no byte of it reaches a simulated cloud, whatever breaks in the house and whoever calls.

Every request carries a word of its own, and the clouds' logs are searched for it, bodies and headers alike.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, product
from pathlib import Path
from typing import NamedTuple

import pytest

from callers import DIALECTS, Answer, ask, ends_well
from google_cloud import service_account
from harness import Gateway, Simulator
from vendors import CLOUDS, MODELS, cloud, cloud_target, one_of_each, provider

FAULTS = (
    *("blackhole", "reset_before_head", "closed_before_head", "slow_first_byte", "slow_head", "not_http", "html"),
    *("html_502", "empty", "broken_json", "truncated_chunk", "reset_mid_body", "early_eof", "stall", "401", "429"),
    *("500", "503", "error_event", "error_first", "cut_short", "no_done"),
)
DEADLINES = ", deadlines: {connect: 1s, first_byte: 1s, idle: 1s, total: 2s}"
AT_ONCE = 24
WITHOUT_GATE = Path(__file__).parent / "gateway_without_gate.py"
WITHOUT_PLAN = Path(__file__).parent / "gateway_without_plan.py"


class Way(NamedTuple):
    """How a request comes to stay: what the caller says, with which key it calls, by which kind of route."""

    header: str = ""
    key: str = "plain"
    route: str = "free"


WAYS = {
    "header": Way(header="health"),
    "class of the key": Way(key="personal"),
    "class of the route": Way(route="payment"),
    "boundary": Way(route="bound"),
}
MORE_WAYS = {
    "header in other letters": Way(header=" Secret "),
    "header that is no class": Way(header="confidential"),
    "header below the class of the key": Way(header="public", key="personal"),
    "header below the class of the route": Way(header="public", route="payment"),
}
"""Asked with one fault only: what they have to show is which class counts."""


def _model(route: str, house: str, fault: str) -> str:
    return f"{route}-{house}-{fault}"


ALL_CLOUDS = (*DIALECTS, *CLOUDS)
BROKEN = tuple(product(DIALECTS, FAULTS))
BASELINES = dict(zip(BROKEN, cycle(ALL_CLOUDS), strict=False))
"""The cloud that each broken house stands beside."""


def _config(clouds: dict[str, Simulator], houses: dict[str, Simulator], account: Path) -> str:
    """Routes of each kind over a broken house; all but those with a boundary fall back on every cloud."""
    lines = ["listen: 127.0.0.1:0", "admin: 127.0.0.1:0", "auth: keys", "providers:"]
    for dialect in DIALECTS:
        lines.append(f"  {dialect}: {provider(dialect, clouds[dialect].url, 'cloud')}")
        lines.append(f"  house-{dialect}: {provider(dialect, houses[dialect].url, 'local', DEADLINES)}")
    lines += [f"  {name}: {cloud(name, clouds[name].url, account)}" for name in CLOUDS]
    lines.append("targets:")
    lines += [f"  {dialect}: {{provider: {dialect}, model: {MODELS[dialect]}}}" for dialect in DIALECTS]
    lines += [f"  {name}: {cloud_target(name, name)}" for name in CLOUDS]
    for dialect, fault in BROKEN:
        model = f"{MODELS[dialect]}+sim:fault={fault}"
        lines.append(f'  {dialect}-{fault}: {{provider: house-{dialect}, model: "{model}"}}')
    lines.append("routes:")
    rest = f"fallback: [{', '.join(ALL_CLOUDS)}]"
    for dialect, fault in BROKEN:
        of = {
            "free": f"baseline: {BASELINES[dialect, fault]}, candidate: {dialect}-{fault}, share: 100%, {rest}",
            "payment": f"use: {dialect}-{fault}, {rest}, data: payment",
            "bound": f"use: {dialect}-{fault}, boundary: local",
        }
        for route, targets in of.items():
            name = _model(route, dialect, fault)
            lines.append(f"  - {{name: {name}, when: {{model: {name}}}, {targets}}}")
    return "\n".join(lines)


class Stage:
    def __init__(self, gateway: Gateway, clouds: dict[str, Simulator]) -> None:
        self.gateway = gateway
        self._clouds = clouds
        self._keys = {"plain": gateway.new_key(), "personal": gateway.new_key("--data-class", "personal")}

    def ask(self, way: Way, caller: str, house: str, fault: str, word: str, *, stream: bool) -> Answer:
        headers = {"authorization": f"Bearer {self._keys[way.key]}"}
        if way.header:
            headers["x-earthward-data-class"] = way.header
        model = _model(way.route, house, fault)
        return ask(self.gateway.url, caller, model, f"My word is {word}.", stream=stream, headers=headers)

    def leaked(self, only: str | None = None) -> str:
        """All that the clouds have seen, or one of them."""
        asked = [cloud for name, cloud in self._clouds.items() if only in (None, name)]
        return b"".join(cloud.whole_log() for cloud in asked).decode()


Start = Callable[..., Stage]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a gateway of this program over fresh clouds and houses."""
    folder = tmp_path_factory.mktemp("egress")
    with one_of_each(folder, "cloud", ALL_CLOUDS) as clouds, one_of_each(folder, "house") as houses:
        started: list[Gateway] = []
        # Google's tokens come from a place that is asked for nothing else.
        account = service_account(folder, houses["openai"].url)

        def begin(*program: str) -> Stage:
            own = folder / str(len(started))
            own.mkdir()
            gateway = Gateway(own, _config(clouds, houses, account), program=program or ("-m", "earthward"))
            started.append(gateway)
            return Stage(gateway, clouds)

        yield begin
        for gateway in started:
            gateway.stop()


class Ran(NamedTuple):
    answers: dict[str, Answer]
    leaked: str


def _word(way: str, caller: str, fault: str, stream: bool) -> str:
    return f"canary-{'-'.join((*way.split(), caller, fault, 'streamed' if stream else 'whole'))}-end"


@pytest.fixture(scope="module")
def ran(start: Start) -> Ran:
    stage = start()
    houses = cycle(DIALECTS)
    cells = [
        *product(WAYS, DIALECTS, FAULTS, (False, True)),
        *product(MORE_WAYS, DIALECTS, ("500",), (False, True)),
    ]
    asked = [(*cell, next(houses)) for cell in cells]

    def one(cell: tuple[str, str, str, bool, str]) -> tuple[str, Answer]:
        way, caller, fault, stream, house = cell
        word = _word(way, caller, fault, stream)
        return word, stage.ask((WAYS | MORE_WAYS)[way], caller, house, fault, word, stream=stream)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(pool.map(one, asked))
    return Ran(answers, stage.leaked())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("caller", DIALECTS)
@pytest.mark.parametrize("way", [*WAYS, *MORE_WAYS])
def test_nothing_that_stays_reaches_a_cloud(ran: Ran, way: str, caller: str, stream: bool) -> None:
    words = [_word(way, caller, fault, stream) for fault in (FAULTS if way in WAYS else ("500",))]
    assert not [word for word in words if word in ran.leaked]
    served = [ran.answers[word].headers["x-earthward-target"] for word in words]
    assert all("-" in target for target in served), "only targets in the house were asked"


def test_the_clouds_were_asked_for_nothing_at_all(ran: Ran) -> None:
    assert "canary-" not in ran.leaked
    assert '"POST"' not in ran.leaked


def test_what_may_leave_is_rescued_by_the_cloud_under_the_same_faults(start: Start) -> None:
    """Without this the tests above would pass where nothing ever falls back."""
    stage = start()
    for caller, rescuer in zip(cycle(DIALECTS), ALL_CLOUDS, strict=False):
        (house, fault) = next(broken for broken, baseline in BASELINES.items() if baseline == rescuer)
        word = f"free-{caller}-{rescuer}-end"
        answer = stage.ask(Way(header="public"), caller, house, fault, word, stream=True)
        assert answer.headers["x-earthward-target"] == rescuer
        assert ends_well(caller, answer.body)
        assert word in stage.leaked(rescuer)


def test_without_the_gate_it_does_leave_and_the_search_shows_it(start: Start) -> None:
    """The negative control: a gateway that asks nobody where data may go."""
    stage = start(str(WITHOUT_GATE))
    for name, way in (WAYS | MORE_WAYS).items():
        word = f"ungated-{'-'.join(name.split())}-end"
        assert stage.ask(way, "anthropic", "ollama", "500", word, stream=False).headers
        # A route with a boundary names no cloud: there is nowhere to go, with or without a gate.
        assert (word in stage.leaked()) == (way.route != "bound")


def test_where_plans_forget_it_the_check_before_the_socket_holds(start: Start) -> None:
    stage = start(str(WITHOUT_PLAN))
    for number, way in enumerate((WAYS | MORE_WAYS).values()):
        word = f"unplanned-{number}-end"
        answer = stage.ask(way, "openai", "anthropic", "500", word, stream=False)
        assert word not in stage.leaked()
        if way.route != "bound":
            assert answer.status == 403
            assert "may not leave" in json.loads(answer.body)["error"]["message"]
