import pytest

from earthward.control.admin import host_name, is_bearer


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LOCALHOST:4001", "localhost"),
        ("127.0.0.1:4001", "127.0.0.1"),
        ("[::1]:4001", "::1"),
        ("[::1]", "::1"),
        ("evil.example:4001", "evil.example"),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(host, name):
    assert host_name(host) == name


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", "Basic secret", "secret", "Bearer secretx", "Bearer sécret"]
)
def test_only_the_token_as_bearer_opens_the_door(header):
    assert not is_bearer(header, "secret")
    assert is_bearer("bearer secret", "secret")
