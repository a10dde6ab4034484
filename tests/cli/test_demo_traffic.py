import pytest

from earthward.cli.demo_applications import Answer, Conversation
from earthward.cli.demo_traffic import MOST_OPENED, Phase, Traffic


class Recorded:
    """An application that is answered by the number of its question: every so many is on the candidate."""

    def __init__(self, every=4):
        self.every = every
        self.asked = []

    def ask(self, conversation: Conversation) -> Answer:
        question = conversation.turns[0][1]
        self.asked.append(question)
        number = int(question.split(".")[0].removeprefix("Ticket "))
        conversation.answered("so")
        return Answer("baseline" if number % self.every else "candidate", "mini")


def test_half_of_the_conversations_are_of_each_application():
    first, second = Recorded(every=3), Recorded(every=4)
    assert len(list(Traffic(first, second).open(10))) == 10
    assert len(set(first.asked)) == len(set(second.asked)) == 5
    assert set(first.asked).isdisjoint(second.asked)


def test_conversations_are_opened_until_each_application_has_one_on_the_candidate():
    seldom, often = Recorded(every=9), Recorded(every=1)
    answers = list(Traffic(seldom, often).open(4))
    assert [answer.arm for answer in answers].count("candidate") == 3
    assert len(often.asked) == 2, "which had some already"
    assert "Ticket 9." in seldom.asked[-1]


class Silent:
    """An application that gets no answer."""

    def ask(self, conversation: Conversation) -> Answer:
        return Answer(lost="connection refused")


def test_a_gateway_that_answers_nothing_is_not_asked_for_ever():
    assert len(list(Traffic(Silent(), Silent()).open(5))) == 5


def test_a_route_without_a_candidate_is_not_asked_for_ever():
    assert len(list(Traffic(Recorded(every=1_000_000)).open(5))) == 5 + MOST_OPENED


def test_all_arms_and_applications_go_on_by_turns_and_no_conversation_twice():
    first, second = Recorded(every=3), Recorded(every=4)
    traffic = Traffic(first, second)
    assert len(list(traffic.open(40))) == 40
    first.asked.clear()
    second.asked.clear()
    arms = [answer.arm for answer in traffic.go_on(8)]
    assert arms.count("candidate") == arms.count("baseline") == 4
    assert len(set(first.asked)) == len(set(second.asked)) == 4


@pytest.mark.parametrize("count", [0, 100])
def test_no_more_go_on_than_there_are(count):
    traffic = Traffic(Recorded(every=3), Recorded(every=4))
    opened = len(list(traffic.open(12)))
    assert len(list(traffic.go_on(count))) == min(count, opened)


def test_each_answer_counts_once():
    phase = Phase("now")
    for answer in (
        Answer("baseline", "mini"),
        Answer("candidate", "smollm2"),
        Answer("candidate", "mini"),
        Answer("candidate", "mini", lost="the stream ended early"),
    ):
        phase.add(answer)
    assert phase == Phase(
        "now", requests=4, candidate=3, cloud=1, local=1, rescued=1, lost=1, why="the stream ended early"
    )
