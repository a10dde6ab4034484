import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from earthward.config.snapshot import Hook
from earthward.control.notifier import MOST_WAITING, STALE, Notifier, Teller
from earthward.rollout.notices import Notice
from earthward.rollout.state import Transition
from harness import until
from receiver import Receiver, receiving

PAST = 1_000_000.0


def entry(number: int, event: str = "stage passed", t: float | None = None) -> Transition:
    at = PAST + number if t is None else t
    return Transition(at, "stage 5%", "stage 25%", 2500, 0, 1, 10, "ada", "go", "p", (), event)


class Histories:
    """What a gateway has on disk."""

    def __init__(self) -> None:
        self.routes: dict[str, list[Transition]] = {"chat": []}

    def lengths(self) -> dict[str, tuple[str, int]]:
        return {route: ("gentle", len(entries)) for route, entries in self.routes.items()}

    def entries(self, route: str, first: int) -> list[Transition]:
        return self.routes[route][first:]


@pytest.fixture
def histories() -> Histories:
    return Histories()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as it:
        yield it


@pytest.fixture
def teller(tmp_path: Path, histories: Histories, receiver: Receiver) -> Callable[..., Teller]:
    """A hook as it is after a start, with what was written down before."""

    def make(**fields: object) -> Teller:
        hook = Hook("ops", str(fields.pop("url", receiver.url)), **fields)
        return Teller(hook, tmp_path / "ops.json", histories.lengths, histories.entries)

    return make


def drained(it: Teller, now: float = PAST) -> None:
    while it.step(now) == 0.0:
        pass


def test_each_entry_is_told_once_and_in_order_whoever_is_killed_when(teller, histories, receiver):
    it = teller()
    for number in range(6):
        histories.routes["chat"].append(entry(number, "started" if number == 0 else "stage passed"))
        it.step(PAST)
        it = teller()
    drained(it)
    assert receiver.events == ["started", *["stage passed"] * 5]
    assert len({body["id"] for body in receiver.bodies}) == 6
    assert (receiver.bodies[0]["route"], receiver.bodies[0]["plan"], receiver.bodies[0]["share"]) == (
        "chat",
        "gentle",
        0.25,
    )


def test_a_new_hook_is_not_told_of_what_is_long_over(teller, histories, receiver):
    histories.routes["chat"] = [entry(0), entry(1)]
    it = teller()
    histories.routes["chat"].append(entry(2, "completed"))
    histories.routes["mail"] = [entry(3, "started")]
    drained(it)
    assert receiver.events == ["completed", "started"]


def test_one_that_answers_500_is_told_again_later_and_later_and_then_in_order(teller, histories, receiver):
    it = teller()
    histories.routes["chat"] = [entry(0, "started"), entry(1, "rolled back")]
    receiver.statuses = [500, 500, 500]
    assert [it.step(PAST) for _ in range(3)] == [1.0, 2.0, 4.0]
    assert it.state.problem == "it answered 500"
    assert it.state.waiting == 2
    drained(it)
    assert receiver.events == ["started", "rolled back"]
    assert (it.state.problem, it.state.told, it.state.waiting) == ("", 2, 0)


def test_one_that_says_when_to_come_back_is_heeded_within_bounds(teller, histories, receiver):
    it = teller()
    histories.routes["chat"] = [entry(0)]
    receiver.statuses, receiver.headers = [429, 429], {"retry-after": "30"}
    assert it.step(PAST) == 30.0
    receiver.headers = {"retry-after": "86400"}
    assert it.step(PAST) == 300.0


def test_one_that_is_down_hears_it_when_it_is_back(teller, histories, tmp_path):
    with receiving() as gone:
        port = gone.port
    it = teller(url=f"http://127.0.0.1:{port}/hook")
    histories.routes["chat"] = [entry(0, "rolled back")]
    assert it.step(PAST) == 1.0
    with receiving(port) as back:
        drained(it)
        assert back.events == ["rolled back"]


def test_what_waits_is_bounded_in_number_and_in_age(teller, histories, receiver):
    it = teller()
    histories.routes["chat"] = [entry(number) for number in range(MOST_WAITING + 50)]
    drained(it)
    assert len(receiver.got) == MOST_WAITING
    assert it.state.given_up == 50
    histories.routes["chat"].append(entry(0, "rolled back", t=PAST))
    drained(it, PAST + STALE)
    assert len(receiver.got) == MOST_WAITING
    assert it.state.given_up == 51


def test_only_events_and_routes_that_are_meant_are_told(teller, histories, receiver):
    it = teller(events=("rolled back",), routes=("chat",))
    histories.routes = {"chat": [entry(0), entry(1, "rolled back")], "mail": [entry(2, "rolled back")]}
    drained(it)
    assert [(body["route"], body["event"]) for body in receiver.bodies] == [("chat", "rolled back")]


def test_a_history_that_was_moved_away_begins_anew(teller, histories, receiver):
    it = teller()
    histories.routes["chat"] = [entry(0), entry(1)]
    drained(it)
    histories.routes["chat"] = [entry(2, "started")]
    drained(teller())
    assert receiver.events[2:] == ["started"]


def test_a_broken_disk_keeps_nobody_from_being_told(teller, histories, receiver, tmp_path):
    (tmp_path / "ops.json").write_bytes(b'{"chat": "\xff')
    histories.routes["chat"] = [entry(0)]
    it = teller()
    (tmp_path / "ops.json").unlink()
    (tmp_path / "ops.json").mkdir()
    histories.routes["chat"].append(entry(1, "completed"))
    drained(it)
    assert receiver.events == ["completed"]


def test_one_that_never_answers_keeps_nobody_else_waiting_nor_the_end(tmp_path, histories):
    with receiving() as slow, receiving() as quick:
        slow.held.set()
        notifier = Notifier(tmp_path, histories.lengths, histories.entries, lambda: PAST)
        notifier.take_over([Hook("slow", slow.url), Hook("quick", quick.url, format="slack")])
        histories.routes["chat"] = [entry(0, "started"), entry(1, "rolled back")]
        notifier.wake()
        until(lambda: len(quick.got) == 2, "the one that listens")
        assert "rolled back" in quick.bodies[1]["text"]
        notifier.close()
        assert notifier.told == []
        slow.free.set()
        until(lambda: not [it for it in threading.enumerate() if it.name.startswith("notify")], "the threads")


def test_a_changed_hook_goes_on_where_it_was(tmp_path, histories, receiver):
    notifier = Notifier(tmp_path, histories.lengths, histories.entries, lambda: PAST)
    notifier.take_over([Hook("ops", receiver.url)])
    histories.routes["chat"] = [entry(0, "started")]
    notifier.wake()
    until(lambda: notifier.told[0].told == 1, "the first")
    notifier.take_over([Hook("ops", receiver.url + "/other")])
    histories.routes["chat"].append(entry(1, "completed"))
    notifier.wake()
    until(lambda: receiver.events == ["started", "completed"], "the second")
    notifier.close()


def test_a_hook_that_changes_while_it_is_told_is_told_once(tmp_path, histories, receiver):
    notifier = Notifier(tmp_path, histories.lengths, histories.entries, lambda: PAST)
    notifier.take_over([Hook("ops", receiver.url)])
    receiver.pause = 0.3
    histories.routes["chat"] = [entry(0, "started")]
    notifier.wake()
    until(lambda: receiver.events == ["started"], "the middle of telling")
    notifier.say(Notice("chat/drill/x", "drill failed", "chat", "", PAST, "drill", 10_000, "earthward", "down"))
    for times in range(1, 4):
        notifier.take_over([Hook("ops", receiver.url, routes=("chat",) * times)])
    receiver.pause = 0.0
    histories.routes["chat"].append(entry(1, "completed"))
    notifier.wake()
    until(lambda: len(receiver.got) >= 3, "the rest")
    assert sorted(receiver.events) == ["completed", "drill failed", "started"]
    notifier.close()


def test_what_is_in_no_history_is_told_once_to_those_who_mean_it(tmp_path, histories):
    drill = Notice("chat/drill/x", "drill failed", "chat", "", PAST, "drill", 10_000, "earthward", "down")
    with receiving() as one, receiving() as other:
        notifier = Notifier(tmp_path, histories.lengths, histories.entries, lambda: PAST)
        notifier.take_over([Hook("one", one.url), Hook("other", other.url, events=("completed",))])
        one.statuses = [500]
        notifier.say(drill)
        until(lambda: one.events == ["drill failed"], "the drill")
        histories.routes["chat"] = [entry(0, "completed")]
        notifier.wake()
        until(lambda: one.events == ["drill failed", "completed"], "what came next")
        until(lambda: other.events == ["completed"], "the other")
        notifier.close()
