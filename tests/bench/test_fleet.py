"""The fleet on paper: its hosts behave as Ollama's do, and the policy that knows them wins."""

from earthward.bench.fleet.hosts import Clock, Host, HostKind, Job, Model
from earthward.bench.fleet.simulate import simulate
from earthward.bench.fleet.traffic import MODELS, traffic

A, B, C = (Model(name, 10, reads=100, writes=10) for name in "abc")
KIND = HostKind(1.0, disk=1.0, room=2, parallel=1)


class Asked:
    """A host, and what it was asked with the times of first token and end."""

    def __init__(self, kind: HostKind = KIND) -> None:
        self.clock = Clock()
        self.host = Host(kind, self.clock)
        self.first: dict[str, float] = {}
        self.end: dict[str, float] = {}

    def ask(self, name: str, model: Model, conversation: int = 0, known: int = 0) -> None:
        def first(load: float) -> None:
            self.first[name] = self.clock.now

        def end() -> None:
            self.end[name] = self.clock.now

        self.host.take(Job(model, conversation or len(self.first) + 1000, 100, known, 10, first, end))


def test_a_host_loads_answers_and_keeps_the_model() -> None:
    it = Asked()
    it.ask("cold", A)
    it.clock.run(50)
    assert it.first["cold"] == 11
    assert it.end["cold"] == 12
    it.ask("warm", A)
    it.clock.run(100)
    assert it.end["warm"] - it.first["warm"] == 1
    assert it.host.loads == 1


def test_requests_for_a_loaded_model_wait_without_a_limit() -> None:
    it = Asked()
    for number in range(30):
        it.ask(str(number), A)
    it.clock.run(1000)
    assert it.end["29"] == 10 + 30 * 2
    assert it.host.loads == 1


def test_a_third_model_puts_out_the_one_used_least_lately_once_that_has_ended() -> None:
    it = Asked()
    it.ask("a", A)
    it.clock.run(30)
    it.ask("b", B)
    it.clock.run(60)
    it.ask("c", C)
    it.clock.run(100)
    assert sorted(it.host.runners) == ["b", "c"]
    assert it.host.loads == 3


def test_a_prompt_that_a_slot_still_holds_is_not_read_again() -> None:
    it = Asked()
    it.ask("one", A, conversation=7)
    it.clock.run(50)
    it.ask("two", A, conversation=7, known=90)
    asked_at = it.clock.now
    it.clock.run(100)
    assert abs(it.first["two"] - asked_at - 0.1) < 1e-9


def test_traffic_is_the_same_for_the_same_seed_and_holds_conversations_of_one_model_each() -> None:
    asked = traffic(3, 600, 1.0)
    assert asked == traffic(3, 600, 1.0) != traffic(4, 600, 1.0)
    assert 400 < len(asked) < 800
    models: dict[int, set[str]] = {}
    for each in asked:
        models.setdefault(each.conversation, set()).add(each.model.name)
    assert all(len(names) == 1 for names in models.values())
    assert {each.model for each in asked} == set(MODELS)
    assert [each.at for each in asked] == sorted(each.at for each in asked)
    assert all(each.known < each.prompt for each in asked)


def test_warmest_beats_round_robin_and_least_connections_on_waiting_and_on_loads() -> None:
    warm, *others = (
        simulate(policy, seed=1, minutes=6, rate=1.0) for policy in ("warmest", "round_robin", "least_busy")
    )
    assert warm.answered == warm.asked
    for other in others:
        assert warm.p95 < 0.7 * other.p95
        assert warm.loads_per_minute < 0.2 * other.loads_per_minute


def test_a_run_prints_the_same_figures_every_time() -> None:
    assert simulate("fastest", seed=2, minutes=2, rate=1.0) == simulate("fastest", seed=2, minutes=2, rate=1.0)
