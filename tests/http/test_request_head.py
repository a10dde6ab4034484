"""What a head may say about where a request goes."""

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earthward.config.snapshot import Limits
from earthward.http.head import read_head
from earthward.http.refusal import Refused


def read(target=b"/", host=b"gateway.test", allowed=None, *lines):
    head = b"GET " + target + b" HTTP/1.1\r\n" + (b"" if host is None else b"Host: " + host + b"\r\n")
    return read_head(head + b"".join(line + b"\r\n" for line in lines) + b"\r\n", 0.0, Limits(), allowed).request


def status(*args):
    try:
        read(*args)
    except Refused as refusal:
        return refusal.status
    return 200


VALID_HOSTS = [
    b"a",
    b"a.b-c.test",
    b"a_b",
    b"127.0.0.1",
    b"127.0.0.1:4000",
    b"[::1]",
    b"[::1]:80",
    b"a.test.",
    b"a:"[:1],
]
INVALID_HOSTS = [
    *(b"a b", b"a,b", b"a/b", b"a@b", b"a?b", b"a#b", b"a\\b", b"a:b", b"a:123456", b"a:-1", b"::1", b"[::1", b"::1]"),
    *(
        b"[a]",
        b"[::1]x",
        b"a%20b",
        b"http://a",
        b"a:80:80",
        b"<a>",
        b"a;b",
        b"'a'",
        b"(a)",
        "\u00e4".encode(),
        b"*",
        b":80",
    ),
]


@pytest.mark.parametrize("host", VALID_HOSTS)
def test_a_valid_host_is_taken(host):
    assert status(b"/", host) == 200


@pytest.mark.parametrize("host", INVALID_HOSTS)
def test_an_invalid_host_is_refused(host):
    assert status(b"/", host) == 400


def test_only_allowed_hosts_are_served_with_or_without_their_port():
    allowed = frozenset({b"localhost", b"[::1]", b"admin.test:4001"})
    for host in (b"localhost", b"LOCALHOST:4001", b"[::1]:4001", b"admin.test:4001"):
        assert status(b"/", host, allowed) == 200
    for host in (b"evil.test", b"localhost.evil.test", b"admin.test", b"admin.test:1", b"127.0.0.1", b"localhost."):
        assert status(b"/", host, allowed) == 421


def test_without_a_host_nothing_is_allowed_where_hosts_are_listed():
    with pytest.raises(Refused) as caught:
        read_head(b"GET / HTTP/1.0\r\n\r\n", 0.0, Limits(), frozenset({b"localhost"}))
    assert caught.value.status == 421


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", b""),
        (b"/a/../b//c?x=1?y", b"/a/../b//c", b"x=1?y"),
        (b"/v1beta/models/g:generateContent?alt=sse", b"/v1beta/models/g:generateContent", b"alt=sse"),
        (b"/%2e%2e/%2F", b"/%2e%2e/%2F", b""),
        (b"http://gateway.test/p?q", b"/p", b"q"),
        (b"HTTPS://GATEWAY.test", b"/", b""),
        (b"http://gateway.test?q", b"/", b"q"),
        (b"/?filter[a]={b|c}", b"/", b"filter[a]={b|c}"),
    ],
)
def test_a_target_is_split_and_never_decoded(target, path, query):
    request = read(target)
    assert (request.path, request.query) == (path, query)


@pytest.mark.parametrize(
    "target",
    [
        *(
            b"a",
            b"?x",
            b"\\",
            b"/a\\b",
            b"/a<b",
            b'/a"b',
            b"/a#b",
            b"/a^b",
            b"/a`b",
            b"/%",
            b"/%2",
            b"/%zz",
            b"*",
        ),
        *(
            b"ftp://gateway.test/",
            b"http://",
            b"http:///a",
            b"http://u@gateway.test/",
            b"gateway.test:80",
            b"/\xc3\xa9",
        ),
        *(b"http://evil.test/", b"http://gateway.test:80/", b"http://gateway.test/a#b", b"mailto:a"),
    ],
)
def test_an_invalid_target_is_refused(target):
    assert status(target) == 400


def test_the_second_of_a_header_that_decides_is_refused_and_of_others_kept():
    for name in (b"Host: gateway.test", b"Content-Length: 0", b"Content-Type: a/b", b"Authorization: x"):
        assert status(b"/", b"gateway.test", None, name, name) == 400
    assert read(b"/", b"gateway.test", None, b"X-A: 1", b"X-A: 2").headers[1:] == [(b"x-a", b"1"), (b"x-a", b"2")]


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        (b"1.1", None, True),
        (b"1.1", b"Close", False),
        (b"1.1", b"keep-alive, close", False),
        (b"1.0", None, False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_a_connection_is_kept_as_version_and_header_say(version, connection, keep_alive):
    line = b"" if connection is None else b"Connection: " + connection + b"\r\n"
    head = b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + line + b"\r\n"
    assert read_head(head, 0.0, Limits()).keep_alive is keep_alive


class Heard:
    def __init__(self):
        self.url = b""
        self.headers = []

    def on_url(self, url):
        self.url += url

    def on_header(self, name, value):
        self.headers.append((name.lower(), value.strip(b" \t")))


TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=12).map(lambda text: text.encode("latin-1"))


@settings(max_examples=300, deadline=None)
@given(TEXT, st.lists(st.tuples(TEXT, TEXT), max_size=4))
def test_what_is_taken_another_parser_reads_the_same_way(target, headers):
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    head = b"GET /" + target + b" HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n"
    try:
        request = read_head(head, 0.0, Limits()).request
    except Refused:
        return
    heard = Heard()
    parser = httptools.HttpRequestParser(heard)
    parser.feed_data(head)
    assert (parser.get_method(), heard.url, heard.headers) == (request.method, request.target, request.headers)
    assert not any(byte < 32 and byte != 9 for _, value in request.headers for byte in value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"X: \0", "control character in the head"),
        (b"X: a\x0bb", "control character in the head"),
        (b"X: \x7f", "control character in the head"),
        (b"X: a\nY: b", "line of the head does not end with CR LF"),
        (b"X: a\rY: b", "line of the head does not end with CR LF"),
        (b"X: a\r\r", "line of the head does not end with CR LF"),
    ],
)
def test_our_own_scan_refuses_before_any_parser_sees_the_head(line, reason):
    with pytest.raises(Refused, match=reason):
        read(b"/", b"a", None, line)
