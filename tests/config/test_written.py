from pathlib import Path

import pytest

from earthward.config.document import parse
from earthward.config.load import read
from earthward.config.written import Written, exactly, flow, name_from, text_of

WRITTEN = Written(
    providers={"house": {"kind": "ollama", "endpoints": ["http://gpu-1:11434", "http://[fd00::1]:11434"]}},
    targets={"llama": {"provider": "house", "model": "llama3.1:8b", "context": 16384, "keep_alive": -1}},
    routes=[{"name": "all", "use": "llama", "deadlines": {"total": "60s"}}],
    head=["A comment, and", "", "another."],
    notes={"targets.llama": ["is small"], "routes": ["The first match wins."]},
    settings={"access_log": True},
)


def test_what_is_written_is_read_back_and_its_comments_stand_where_they_belong() -> None:
    text = text_of(WRITTEN)
    found = read(text.encode(), Path("/f.yaml"))
    assert found.providers["house"].addresses[1].url == "http://[fd00::1]:11434"
    assert (found.targets["llama"].keep_alive, found.routes[0].deadlines.total, found.access_log) == (-1, 60.0, True)
    assert text.startswith("# A comment, and\n#\n# another.\n")
    assert "\n  # is small\n  llama:" in text
    assert "\n# The first match wins.\nroutes:\n" in text


@pytest.mark.parametrize(
    "value",
    [
        *(
            "plain",
            "llama3.1:8b",
            "gpt-*",
            "4.1",
            "5",
            "1e3",
            "true",
            "No",
            "null",
            "",
            " x",
            "a: b",
            "a #b",
            "{a}",
            "- a",
        ),
        *(
            "[x]",
            "it's",
            'say "a"',
            "a\nb",
            "é",
            "*x",
            "&x",
            "!x",
            "%x",
            "@x",
            "`x`",
            "a,b",
            "http://h:1/v1?",
            "~",
            "\x00",
        ),
    ],
)
def test_any_text_is_read_back_as_the_text_it_was(value: str) -> None:
    document = parse(f"{{key: {flow(value)}, list: [{flow(value)}]}}".encode(), "f")
    assert document.plain(document.root) == {"key": value, "list": [value]}


def test_names_are_made_of_anything_and_differ() -> None:
    assert name_from("meta/llama 3.1:8b") == "meta-llama-3.1-8b"
    assert name_from("a", ["a", "a-2"]) == "a-3"
    assert name_from("***") == "it"
    assert name_from("x" * 99, ["x" * 56]) == "x" * 56 + "-2"


def test_a_name_is_matched_as_it_is_written() -> None:
    assert exactly("gpt-4?[x]*") == "gpt-4[?][[]x]*"
