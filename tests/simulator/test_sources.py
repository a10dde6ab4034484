"""The pages that simulated answers rest on, where the web may be searched and where a script says so."""

import json
from typing import Any

import pytest

from earthward.simulator.behaviour import BadScript, behaviour
from earthward.simulator.draft import Asked, Call, Choice, Draft, draft
from earthward.simulator.sources import Page, pages
from earthward.simulator.vendors import anthropic, gemini, openai, responses

SAID: Any = [{"role": "user", "content": "Hi"}]
TEXT = Choice("stop", ("a ", "b"))


def test_there_are_as_many_as_the_script_says_or_one_where_the_web_may_be_searched():
    plain, searching = Asked("m", "d"), Asked("m", "d", searches=True)
    assert draft(plain, behaviour(), 1).cited == 0
    assert draft(searching, behaviour(), 1).cited == 1
    assert draft(searching, behaviour({"cited": 3}), 1).cited == 3
    assert pages(Draft((TEXT,), 1, 1, cited=2), TEXT) == [
        Page("https://example.com/1", "Page 1"),
        Page("https://example.com/2", "Page 2"),
    ]


@pytest.mark.parametrize(
    "choice", [Choice("stop"), Choice("stop", refusal="no"), Choice("stop", calls=(Call("f", ""),))]
)
def test_what_is_no_text_rests_on_nothing(choice):
    assert pages(Draft((choice,), 1, 1, cited=2), choice) == []


def test_nobody_cites_without_end():
    with pytest.raises(BadScript, match="cited"):
        behaviour({"cited": 1_000_000})


@pytest.mark.parametrize(
    ("vendor", "path", "body"),
    [
        (openai, b"/v1/chat/completions", {"model": "m", "messages": SAID, "web_search_options": {}}),
        (responses, b"/v1/responses", {"model": "m", "input": "Hi", "tools": [{"type": "web_search"}]}),
        (
            anthropic,
            b"/v1/messages",
            {
                "model": "m",
                "max_tokens": 9,
                "messages": SAID,
                "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            },
        ),
        (
            gemini,
            b"/v1beta/models/m:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "tools": [{"googleSearch": {}}]},
        ),
    ],
    ids=["openai", "responses", "anthropic", "gemini"],
)
def test_each_vendor_is_told_in_its_own_way_that_the_web_may_be_searched(vendor, path, body):
    read = vendor.VENDOR.read
    assert read(path, json.dumps(body).encode(), "d").searches
    bare = {name: value for name, value in body.items() if name not in ("tools", "web_search_options")}
    assert not read(path, json.dumps(bare).encode(), "d").searches
