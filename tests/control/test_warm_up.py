"""A route goes on with more share once the candidate is loaded where it will be needed, and with less at once."""

from typing import Any

import msgspec
import pytest

from earthward.config.snapshot import Endpoint, Provider, Route, Snapshot, Target
from earthward.control.standing import unplaced
from earthward.control.warm_up import PATIENCE, Need, WarmUps, need_of, needs

HOSTS = tuple(Endpoint(f"http://gpu-{number}:11434", number) for number in range(4))
GPUS = Provider("gpus", "ollama", "ollama", "local", HOSTS)
CLOUD = Provider("cloud", "openai", "openai_chat", "cloud", (Endpoint("https://api.example", 9),))
TARGETS = (Target("llama", "gpus", "llama3.2", "local"), Target("mini", "cloud", "gpt-4o-mini", "cloud"))


def route(share: int, **fields: Any) -> Route:
    said = {"baseline": "mini", "candidate": "llama", "plan": b"plan", "stage": share // 100}
    return Route(**{"name": "trial", "share": share, **said, **fields})


def snapshot(*routes: Route, moves: int = 1) -> Snapshot:
    return Snapshot(f"abc~{moves}", "d", (GPUS, CLOUD), TARGETS, routes)


def cold(need: Need) -> bool:
    return False


def loaded(need: Need) -> bool:
    return True


def test_a_stage_with_more_share_waits_for_its_model_and_then_begins() -> None:
    wanted, warm_ups = snapshot(route(2500), moves=2), WarmUps()
    held = warm_ups.held(wanted, snapshot(route(500)), cold, 0.0)
    assert (held.routes[0].share, held.routes[0].stage) == (500, 5)
    assert warm_ups.holding == ["trial"]
    assert held.version != wanted.version
    assert unplaced(held.version) == "abc"
    assert warm_ups.held(wanted, held, loaded, 1.0) == wanted
    assert warm_ups.holding == []


def test_it_waits_no_longer_than_a_load_may_take() -> None:
    wanted, before, warm_ups = snapshot(route(2500)), snapshot(route(500)), WarmUps()
    assert warm_ups.held(wanted, before, cold, 0.0) != wanted
    assert warm_ups.held(wanted, before, cold, PATIENCE - 1) != wanted
    assert warm_ups.held(wanted, before, cold, PATIENCE) == wanted


@pytest.mark.parametrize("share", [0, 100, 500])
def test_nobody_who_goes_back_waits_for_anything(share: int) -> None:
    wanted = snapshot(route(share))
    assert WarmUps().held(wanted, snapshot(route(500)), cold, 0.0) == wanted


def test_only_the_route_that_needs_the_model_is_held() -> None:
    other = route(9000, name="other", candidate="mini", baseline="llama")
    wanted = snapshot(route(2500), other)
    before = snapshot(route(500), msgspec.structs.replace(other, share=100))
    assert [it.share for it in WarmUps().held(wanted, before, cold, 0.0).routes] == [500, 9000]


@pytest.mark.parametrize(("share", "copies"), [(1, 1), (2500, 1), (2501, 2), (7500, 3), (10_000, 4)])
def test_as_many_hosts_have_it_as_its_share_is_of_all(share: int, copies: int) -> None:
    need = need_of(route(share), snapshot())
    assert need is not None
    assert need.copies == copies


def test_what_has_no_rollout_or_no_share_or_runs_elsewhere_needs_nothing() -> None:
    elsewhere = Target("sent-on", "gpus", "big:cloud", "cloud")
    routes = (route(500, plan=b""), route(0), route(500, candidate="mini"), route(500, candidate="sent-on"))
    assert list(needs(Snapshot("v", "d", (GPUS, CLOUD), (*TARGETS, elsewhere), routes))) == []
