"""Who wants to hear of rollouts, as a user writes it."""

from pathlib import Path

import pytest

from earthward.config.compile import compile
from earthward.config.load import ConfigErrors, read
from earthward.config.snapshot import Hook

BASE = """\
providers: {house: {kind: ollama}}
targets: {llama: {provider: house, model: llama}}
routes: [{name: all, use: llama}]
notify: """


def hooks(notify: str) -> tuple[Hook, ...]:
    return compile(read((BASE + notify).encode(), Path("/etc/f.yaml"))).notify


def problems(notify: str) -> list[str]:
    with pytest.raises(ConfigErrors) as refused:
        hooks(notify)
    return [str(problem).removeprefix("/etc/f.yaml:") for problem in refused.value.problems]


def test_hooks_are_read_with_their_secrets_as_references():
    (hook,) = hooks("{ops: {url: file:hook, secret: env:S, format: slack, events: rolled back, routes: [all]}}")
    assert hook == Hook("ops", "file:/etc/hook", "env:S", "slack", ("rolled back",), ("all",))
    assert hooks('{ops: {url: "https://x.example/hook"}}') == (Hook("ops", "https://x.example/hook"),)
    assert hooks('{ops: {url: "http://127.0.0.1:9/x"}}') == (Hook("ops", "http://127.0.0.1:9/x"),)


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("{ops: {}}", ["4:10: `url` is missing"]),
        ("{ops: {url: sk-secret}}", ["4:21: `url` must begin with http:// or https:// and a host"]),
        ('{ops: {url: "https://h.example/x?token=abc"}}',
         ["4:21: `url` has a query, which is often a secret; give it as env:NAME or file:PATH"]),
        ('{ops: {url: "http://h.example/x"}}',
         ["4:21: `url` is http://, which would send notices in the clear; use https://"]),
        ("{ops: {url: env:X, secret: hunter2}}",
         ["4:36: `secret` takes a reference, env:NAME or file:PATH; a secret itself does not belong in this file"]),
        ("{ops: {url: env:X, routes: [al, all]}}", ["4:37: unknown route `al`, did you mean `all`? Known: all"]),
        ("{ops: {url: env:X, routes: none}}", ["4:36: unknown route `none`. Known: all"]),
        ("{ops: {url: 7}}", ["4:21: `url` takes a URL, or env:NAME or file:PATH"]),
    ],
)  # fmt: skip
def test_problems_are_told_at_their_place_and_repeat_no_secret(notify: str, told: list[str]):
    assert problems(notify) == told


def test_an_event_that_there_is_not_is_told_with_those_that_there_are():
    (told,) = problems("{ops: {url: env:X, events: [rolledback]}}")
    assert "`rolledback`, did you mean `rolled back`?" in told
    assert "judge down" in told
