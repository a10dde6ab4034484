"""Where an endpoint is, and how its addresses are kept."""

import asyncio

import pytest

from earthward.http.origin import Addresses, origin_of, renewed


@pytest.mark.parametrize(
    ("url", "authority", "host_header"),
    [
        ("http://a", "a:80", b"a"),
        ("https://a/v1", "a:443", b"a"),
        ("http://a:8080/x?y", "a:8080", b"a:8080"),
        ("https://A.test:443", "a.test:443", b"a.test"),
        ("http://[::1]:11434", "[::1]:11434", b"[::1]:11434"),
        ("http://[::1]", "[::1]:80", b"[::1]"),
        ("https://user:pass@a:1", "a:1", b"a:1"),
        ("https://b\u00fccher.test", "xn--bcher-kva.test:443", b"xn--bcher-kva.test"),
    ],
)
def test_an_origin_is_read_from_a_url(url, authority, host_header):
    origin = origin_of(url)
    assert (origin.authority, origin.host_header) == (authority, host_header)


@pytest.mark.parametrize("url", ["", "a", "a:80", "ftp://a", "http://", "unix:/x", "http://a:99999"])
def test_what_is_no_origin_is_refused(url):
    with pytest.raises(ValueError, match=r"http://|[Pp]ort"):
        origin_of(url)


async def test_an_address_is_known_without_asking():
    for address in ("127.0.0.1", "::1"):
        addresses = Addresses(address, 80, asyncio.get_running_loop())
        addresses.refresh()
        assert addresses.known == (address,)
        assert await addresses.first() == (address,)
        await addresses.close()


async def test_a_name_is_looked_up_apart_and_the_preferred_address_stays_in_front(until):
    addresses = Addresses("localhost", 80, asyncio.get_running_loop())
    addresses.refresh()
    await until(lambda: addresses.known)
    assert "127.0.0.1" in addresses.known or "::1" in addresses.known
    addresses.known = ("::1", "127.0.0.1")
    addresses.prefer("127.0.0.1")
    assert addresses.known == ("127.0.0.1", "::1")
    addresses.refresh()
    await asyncio.sleep(0)
    await addresses._lookup
    assert addresses.known[0] == "127.0.0.1" or "127.0.0.1" not in addresses.known
    await addresses.close()


def test_the_address_in_use_stays_in_front_while_it_is_still_named():
    assert renewed((), ("a", "b")) == ("a", "b")
    assert renewed(("b", "a"), ("a", "b", "c")) == ("b", "a", "c")
    assert renewed(("x", "b"), ("a", "b")) == ("b", "a")


async def test_known_addresses_survive_a_lookup_that_fails():
    addresses = Addresses("nowhere.invalid", 80, asyncio.get_running_loop())
    assert await addresses.first() == ()
    assert "nowhere.invalid" in addresses.error
    addresses.known = ("192.0.2.1",)
    addresses.refresh()
    await addresses._lookup
    assert addresses.known == ("192.0.2.1",)
    await addresses.close()
