"""The clock in tokens, by which delays are measured."""

import json
import re
import time
import urllib.request

import pytest

from harness import Simulator, running

GAP = 0.4
"""Seconds between two tokens: many times what one is on its way for, even on a busy machine."""
QUESTION = {"role": "user", "content": f"sim: tokens=4 rate={1 / GAP:g} stamp=1"}


@pytest.mark.parametrize(
    ("path", "model"),
    [("/v1/chat/completions", "gpt-4o-mini"), ("/v1/messages", "claude-haiku-4-5"), ("/api/chat", "llama3.2")],
)
def test_a_token_is_stamped_when_it_is_written_and_not_while_it_waits(path, model, tmp_path):
    simulator = Simulator(tmp_path)
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "k"}
    body = {"model": model, "stream": True, "max_tokens": 9, "messages": [QUESTION]}
    late = []
    with running(simulator):
        request = urllib.request.Request(f"{simulator.url}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            for line in answer:
                if stamp := re.search(rb"t\d+@(\d+)", line):
                    late.append((time.monotonic_ns() - int(stamp[1])) / 1e9)
    assert len(late) == 4
    assert min(late[1:]) < GAP / 2
