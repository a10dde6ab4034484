import html
import json

import msgspec

from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.notices import TOLD, Notice, notice, trial
from earthward.rollout.read_plan import plan
from earthward.rollout.state import Subject, Transition

PLAN = {"stages": ["50%", {"share": "75%", "approval": True}, "100%"], "min_requests": 0, "bake": "1h", "hold": "1h"}


def history(*orders: tuple[str, float], **given: object) -> list[Transition]:
    """Of a rollout whose gate has nothing to say, told these verbs at these times."""
    controller = Controller(begin(plan({**PLAN, **given})))
    moved: list[Transition] = []
    for verb, at in orders:
        moved += controller.act(verb, at, "ada", "because")
    return moved


def events(moved: list[Transition]) -> list[str]:
    return [it.event for number, entry in enumerate(moved) if (it := notice("chat", number, entry))]


def told(entry: Transition) -> Notice:
    found = notice("chat", 3, entry, "gentle")
    assert found is not None
    return found


def test_each_move_is_told_by_its_name_and_nothing_else_is():
    moved = history(("start", 0), ("pause", 1), ("resume", 2), ("promote", 3), ("promote_full", 4), ("undo", 5))
    assert events(moved) == ["started", "paused", "resumed", "stage passed", "promoted", "undone"]
    assert [it.event for it in moved if it.event not in TOLD] == ["baking"]


def test_an_end_is_told_whichever_it_is():
    assert events(history(("start", 0), ("abort", 1))) == ["started", "aborted"]
    moved = history(("start", 0), ("promote_full", 1), ("promote", 2))
    assert events(moved) == ["started", "promoted", "completed"]


def test_a_judge_that_is_down_is_told_as_that():
    controller = Controller(begin(plan(PLAN)))
    controller.act("start", 0, "ada", "go")
    (moved,) = controller.act("pause", 1, "earthward", "no answer", "judge down")
    assert (told(moved).event, told(moved).place) == ("judge down", "stage 50%, paused (judge down)")


def test_a_rollback_is_told_with_its_evidence():
    controller = Controller(begin(plan(PLAN)))
    controller.act("start", 0, "ada", "go")
    moved: list[Transition] = []
    for number in range(60):
        moved += controller.feed(Event(1.0, f"u{number}", "candidate", 5000, ok=False))
    body = told(moved[-1]).body()
    assert (body["event"], body["share"], body["why"]) == ("rolled back", 0.0, "the candidate is worse: error_rate")
    assert body["evidence"] == [
        {
            "metric": "error_rate",
            "verdict": "fail",
            "candidate": 8,
            "candidate_bad": 8,
            "baseline": 0,
            "baseline_bad": 0,
        }
    ]
    assert "rolled back, now rolled back at 0%" in body["text"]


def test_an_entry_has_a_name_of_its_own_that_stays():
    moved = history(("start", 0), ("abort", 1))
    names = [told(entry).id for entry in moved]
    assert names == [told(entry).id for entry in moved]
    assert len({notice("chat", number, entry).id for number, entry in enumerate(moved)}) == 2


def test_words_can_neither_call_a_channel_nor_fill_it():
    entry = history(("start", 0))[0]
    loud = msgspec.structs.replace(entry, by="<!channel>", why="x" * 5000)
    text = told(loud).slack()["text"]
    assert "&lt;!channel&gt;" in text
    assert "<" not in text
    assert len(text) < 700


def test_what_is_told_is_json_whatever_it_is_about():
    assert json.loads(json.dumps(trial(1.5).body()))["event"] == "test"
    assert "nothing has happened" in trial(1.5).slack()["text"]


def test_histories_that_are_older_than_events_are_read_and_not_told():
    entry = history(("start", 0))[0]
    old = {name: value for name, value in msgspec.to_builtins(entry).items() if name != "event"}
    assert notice("chat", 0, msgspec.convert(old, Transition)) is None


def test_another_candidate_after_the_end_is_begun_by_people():
    controller = Controller(begin(plan(PLAN)))
    controller.change(Subject("m", candidate="a"), 0)
    for verb in ("start", "promote_full", "promote"):
        controller.act(verb, 1, "ada", "go")
    assert controller.state.share == 10_000
    assert controller.change(Subject("n", candidate="a"), 2) == ()
    assert controller.state.share == 10_000, "another baseline moves nobody"
    (moved,) = controller.change(Subject("o", candidate="b"), 3)
    assert (moved.before, moved.after, controller.state.share) == ("completed", "pending", 0)
    assert notice("chat", 4, moved) is None
    (started,) = controller.act("start", 4, "ada", "the next one")
    assert (started.event, started.epoch) == ("started", 2)


def test_what_slack_reads_as_markup_is_told_as_it_is_written():
    words = "<!channel> & <https://x.example|here>, &lt; it"
    (entry,) = Controller(begin(plan(PLAN))).act("start", 0, "ada", words)
    text = told(entry).slack()["text"]
    assert not set("<>") & set(text)
    assert html.unescape(text).endswith(words)
