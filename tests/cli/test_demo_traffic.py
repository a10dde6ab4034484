from earthward.cli.demo_traffic import Answer, Conversation, Phase, Traffic


class Recorded:
    """An application that is answered by the number of its question: every fourth is on the candidate."""

    def __init__(self, candidates=4):
        self.candidates = candidates
        self.asked = []

    def ask(self, conversation: Conversation) -> Answer:
        question = str(conversation.messages[1]["content"])
        self.asked.append(question)
        number = int(question.split(".")[0].removeprefix("Ticket "))
        conversation.answered("so")
        return Answer("baseline" if number % self.candidates else "candidate", "mini")


def test_conversations_are_opened_until_one_is_on_the_candidate():
    application = Recorded(candidates=9)
    answers = list(Traffic(application).open(5))
    assert [answer.arm for answer in answers].count("candidate") == 1
    assert len(answers) == len(set(application.asked)) == 9


class Silent:
    """An application that gets no answer."""

    def ask(self, conversation: Conversation) -> Answer:
        return Answer(lost="connection refused")


def test_a_gateway_that_answers_nothing_is_not_asked_for_ever():
    assert len(list(Traffic(Silent()).open(5))) == 5


def test_both_arms_go_on_by_turns_and_no_conversation_twice():
    application = Recorded()
    traffic = Traffic(application)
    assert len(list(traffic.open(20))) == 20
    application.asked.clear()
    arms = [answer.arm for answer in traffic.go_on(8)]
    assert arms.count("candidate") == arms.count("baseline") == 4
    assert len(set(application.asked)) == 8


def test_a_conversation_carries_its_own_history():
    conversation = Conversation(1)
    conversation.answered("because")
    roles = [message["role"] for message in conversation.messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert Conversation(1).messages[:2] == conversation.messages[:2] != Conversation(11).messages[:2]


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
