"""The pure parts of an exchange."""

import asyncio
import time
from types import SimpleNamespace

from earthward.chat import Count, Failure, FailureKind, Usage
from earthward.dialects import openai_chat
from earthward.gateway.exchange import Exchange
from earthward.gateway.fetching import Room
from earthward.gateway.tries import with_estimates


def test_the_words_of_an_upstream_are_not_kept_because_they_may_be_the_callers():
    told = openai_chat.failure_of(400, [], b'{"error": {"message": "my secret prompt is too long", "type": "x"}}')
    assert "secret prompt" in told.message
    assert "secret prompt" not in told.for_the_record
    assert Failure(FailureKind.TIMEOUT, "no answer in 5 s").for_the_record == "no answer in 5 s"


def test_what_upstream_did_not_count_is_estimated_and_says_so():
    estimated = with_estimates(Usage(), characters_in=9, characters_out=4)
    assert estimated.input == Count.estimated(3)
    assert estimated.output == Count.estimated(1)
    told = Usage(input=Count.reported(7))
    assert with_estimates(told, 100, 4).input == Count.reported(7)
    assert with_estimates(Usage(), 100, 0) == Usage(), "nothing came back: nothing is made up"


def test_what_was_fetched_for_a_request_is_given_back_however_it_ends():
    room, aborted = Room(), []
    assert room.take(7)
    worker = SimpleNamespace(serving=SimpleNamespace(), room=room, retries=None, exchanges=set())
    introduction = SimpleNamespace(caller=None, hints=None)
    question = SimpleNamespace(id="x", fetched=7)
    connection = SimpleNamespace(abort=lambda: aborted.append(True))
    request = SimpleNamespace(accepted=time.monotonic())
    # Nobody is there whom it could ask, which is an error of our own.
    asyncio.run(Exchange(worker, SimpleNamespace(dialect="x"), request, connection, introduction, question).run())
    assert aborted
    assert room.held == 0
