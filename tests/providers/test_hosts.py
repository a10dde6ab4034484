import pytest

from earthward.providers.hosts import is_local, is_loopback, is_metadata, is_name, is_vendor


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.255.255.255", "::1", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255"),
        *("192.168.0.1", "fd00::1", "::ffff:10.0.0.1", "localhost", "gpu-1", "GPU_2", "ollama"),
    ],
)
def test_loopback_private_ranges_and_names_without_a_dot_are_in_the_house(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        *("api.openai.com", "gpu-1.example.com", "gpu-1.local", "localhost.example.com", "8.8.8.8", "9.255.255.255"),
        *("11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "2606:4700::1111"),
        *("::ffff:8.8.8.8", "100.64.0.1", "0.0.0.0", "::", "203.0.113.7", "224.0.0.1", "255.255.255.255"),
        *("169.254.169.254", "fe80::1", "metadata", "fd00:ec2::254", "100.100.100.200", "::ffff:169.254.169.254"),
        *(
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "10",
            "",
            ".",
            "a b",
            "-a",
            "127.0.0.1.",
            "127.0.0.1.example.com",
        ),
    ],
)
def test_anything_else_may_be_anywhere(host: str) -> None:
    assert not is_local(host)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "fe80::1", "metadata.google.internal", "METADATA.google.internal."]
)
def test_where_clouds_keep_credentials_is_known(host: str) -> None:
    assert is_metadata(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "gpu", "localhost.example.com", "127.1", "2130706433", ""]
)
def test_beyond_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("name", ["a", "a.b", "a.b.", "xn--bcher-kva.example", "1a", "gpu_1", "a" * 63])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", ".a", "-a", "a-", "ä", "a" * 64, "a.1", "1.2.3.4", "0x1", "a/b", "a:b"]
)
def test_what_is_no_name(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("host", ["api.openai.com", "API.OpenAI.com.", "ollama.com", "acme.openai.azure.com"])
def test_vendors_are_known_by_their_names(host: str) -> None:
    assert is_vendor(host)


@pytest.mark.parametrize("host", ["notopenai.com", "openai.com.example", "ollama", "10.0.0.1", ""])
def test_what_only_looks_like_a_vendor(host: str) -> None:
    assert not is_vendor(host)
