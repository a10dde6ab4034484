"""Addresses that requests name, of which most are not for us to fetch."""

import pytest

from earthward.chat import ChatRequest, Document, Image, Message, Role, Text, ToolResult
from earthward.dialects.content.remote import addresses, is_allowed, refusal_of_remote

HOSTS = frozenset({"images.example.com", ".cdn.example.com"})


@pytest.mark.parametrize(
    "url",
    [
        "https://images.example.com/a.png",
        "HTTPS://IMAGES.example.com:443/a.png",
        "https://eu.cdn.example.com/a.png?x=1",
    ],
)
def test_hosts_that_the_operator_allows_are_allowed(url: str) -> None:
    assert is_allowed(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "http://images.example.com/a.png",
        "https://evil.example.com/a.png",
        "https://images.example.com.evil.com/a.png",
        "https://cdn.example.com/a.png",
        "https://evilcdn.example.com/a.png",
        "https://images.example.com@evil.com/a.png",
        "https://evil.com\\@images.example.com/a.png",
        "https://images.example.com:8443/a.png",
        "https://images.example.com:x/a.png",
        "https://127.0.0.1/a.png",
        "https://[::1]/a.png",
        "https://[::1/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://im\u0430ges.example.com/a.png",
        "https://images.example.com/\r\nHost: evil",
        "//images.example.com/a.png",
        "file:///etc/passwd",
        "gopher://images.example.com/",
        "data:text/plain,x",
        "",
        "https://",
    ],
)
def test_every_other_address_is_not(url: str) -> None:
    assert not is_allowed(url, HOSTS)


def test_a_request_is_refused_for_one_address_wherever_it_stands() -> None:
    inner = ToolResult("a", (Text("x"), Image(url="https://evil.com/a.png")))
    request = ChatRequest(
        "m",
        (
            Message(
                Role.USER, (Image(url="https://images.example.com/a.png"), Document(data="AAAA"), Image(data="AA"))
            ),
            Message(Role.TOOL, (inner,)),
        ),
    )
    assert [*addresses(request)] == ["https://images.example.com/a.png", "https://evil.com/a.png"]
    failure = refusal_of_remote(request, HOSTS)
    assert failure is not None
    assert failure.kind == "unsupported"
    assert refusal_of_remote(request, HOSTS | {"evil.com"}) is None
    assert refusal_of_remote(ChatRequest("m", ()), frozenset()) is None
