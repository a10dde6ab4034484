"""The demo's applications, by the vendors' own SDKs, against the simulator."""

import pytest

from earthward.cli.demo_applications import ENDED_EARLY, Answer, AnthropicApplication, Conversation, OpenAIApplication
from harness import Simulator, running

MODELS = {OpenAIApplication: "gpt-4o-mini", AnthropicApplication: "claude-haiku-4-5"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("cloud"), "--tokens", "4")
    with running(simulator):
        yield simulator


@pytest.fixture(params=MODELS, ids=lambda kind: kind.__name__)
def application_of(request, cloud):
    """Makes the application; the cloud behaves as is said."""
    made = []

    def make(behaviour=""):
        base_url = f"{cloud.url}/v1" if request.param is OpenAIApplication else cloud.url
        made.append(request.param(base_url, "any", MODELS[request.param] + behaviour))
        return made[-1]

    yield make
    for application in made:
        application.close()


def test_an_answer_goes_on_into_the_conversation(application_of):
    conversation = Conversation(1)
    assert application_of().ask(conversation) == Answer()
    assert [role for role, _ in conversation.turns] == ["user", "assistant", "user"]
    assert conversation.turns[1][1].split() == ["t0", "t1", "t2", "t3"]


def test_it_is_told_by_whom_it_was_served(application_of, cloud):
    served = {"x-earthward-arm": "candidate", "x-earthward-target": "smollm2"}
    cloud.script(default={"headers": served})
    try:
        assert application_of().ask(Conversation(1)) == Answer("candidate", "smollm2")
    finally:
        cloud.script(default={})


@pytest.mark.parametrize("fault", ["429", "error_first", "error_event", "cut_short", "early_eof", "reset_before_head"])
def test_what_breaks_is_lost_with_a_reason_and_leaves_no_trace(application_of, fault):
    conversation = Conversation(1)
    assert application_of(f"+sim:fault={fault},after=2").ask(conversation).lost
    assert len(conversation.turns) == 1


def test_a_stream_that_just_stops_is_no_answer(application_of):
    assert application_of("+sim:fault=cut_short,after=2").ask(Conversation(1)).lost == ENDED_EARLY


def test_a_conversation_carries_its_own_history():
    conversation = Conversation(1)
    conversation.answered("because")
    assert [role for role, _ in conversation.turns] == ["user", "assistant", "user"]
    assert Conversation(1).turns == conversation.turns[:1] != Conversation(11).turns
