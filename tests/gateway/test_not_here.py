"""What is told of a path at which nothing is."""

import pytest

from earthward.gateway.not_here import not_here


def test_a_base_url_without_v1_is_told_to_end_with_it() -> None:
    assert "end the base URL with /v1" in not_here(b"/chat/completions")


@pytest.mark.parametrize(
    ("path", "more"),
    [
        (b"/v1/v1/messages", "/v1"),
        (b"/v1/v1/chat/completions", "/v1"),
        (b"/v1/v1/models", "/v1"),
        (b"/v1/api/chat", "/v1"),
        (b"/api/api/tags", "/api"),
        (b"//v1/messages", "/"),
        (b"/v1//chat/completions", "/"),
        (b"/anthropic/v1/messages", "/anthropic"),
        (b"/v1beta/v1beta/models/m:generateContent", "/v1beta"),
        (b"/v1/chat/completions/chat/completions", "/chat/completions"),
        (b"/v1/messages/v1/messages", "/v1/messages"),
    ],
)
def test_a_base_url_with_too_much_is_told_what(path: bytes, more: str) -> None:
    assert f"without {more}: take that off the end of the base URL" in not_here(path)


@pytest.mark.parametrize(
    "path", [b"/v1/files", b"/", b"", b"/V1/messages", b"/v1/audio/speech", b"/a" * 9 + b"/v1/messages"]
)
def test_of_any_other_path_all_that_is_served_is_told(path: bytes) -> None:
    assert "these are: /api/chat" in not_here(path)


def test_a_path_of_slashes_alone_takes_no_time() -> None:
    """Each is a place to look at; what is told is short all the same."""
    assert len(not_here(b"/" * 60_000)) < 1000
