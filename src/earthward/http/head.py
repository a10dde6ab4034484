"""A request's head, read strictly: what RFC 9112 forbids is refused, never repaired.

The raw bytes are scanned first, because a parser's callbacks can't show what it let pass (double spaces, HTTP/0.9,
control characters); llhttp then reads the fields, and what decides framing and routing is checked on its result.
Knows no socket and no clock.
"""

import re

import httptools
import msgspec

from earthward.config.snapshot import Limits
from earthward.http.refusal import ALLOW, ALLOWED_METHODS, Headers, Refused
from earthward.http.request import Request

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/1\.([01])")
_OTHER_VERSION = re.compile(_TOKEN + rb" [!-~]+ HTTP/[0-9]\.[0-9]")
_BEGUN_LINE = re.compile(rb"(?:" + _TOKEN + rb"(?: (?:[!-~]+(?: [!-~]*)?)?)?)?\r?")
_PLAIN = rb"[0-9A-Za-z._~!$&'()*+,;=:@/-]*"
# Browsers and SDKs send more in a query without encoding it, though RFC 3986 would have it encoded.
_PLAIN_IN_QUERY = rb"[0-9A-Za-z._~!$&'()*+,;=:@/?\[\]{}|^`-]*"
# Runs, not single characters: a path is matched on every request.
_PATH = rb"/" + _PLAIN + rb"(?:%[0-9A-Fa-f]{2}" + _PLAIN + rb")*"
_QUERY = _PLAIN_IN_QUERY + rb"(?:%[0-9A-Fa-f]{2}" + _PLAIN_IN_QUERY + rb")*"
_ORIGIN_FORM = re.compile(_PATH + rb"(?:\?" + _QUERY + rb")?")
_AUTHORITY = rb"(?:[0-9A-Za-z._-]+|\[[0-9A-Fa-f]*(?::[0-9A-Fa-f.]*){2,8}\])(?::[0-9]{1,5})?"
_HOST = re.compile(_AUTHORITY)
_ABSOLUTE_FORM = re.compile(rb"https?://(" + _AUTHORITY + rb")((?:" + _PATH + rb")?(?:\?" + _QUERY + rb")?)", re.I)
_PORT = re.compile(rb":[0-9]+\Z")
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,18}")
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: ?chunked\r\n", re.I)
_CODINGS = re.compile(_TOKEN + rb"(?:[ \t]*,[ \t]*" + _TOKEN + rb")*")
_LOOSE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")

_LEGAL = bytes({*range(32, 127), *range(128, 256), *b"\t\r\n"})
_SINGLE = frozenset({b"host", b"content-length", b"transfer-encoding", b"content-type", b"authorization"})
# Names that some server behind or before us may fold into the header that decides where a message ends.
_LOOKALIKES = frozenset({b"content_length", b"transfer_encoding"})
_REFUSED_METHODS = frozenset({b"TRACE", b"CONNECT"})


class Head(msgspec.Struct, gc=False):
    """A request without its body, and how the body is framed: `length` in bytes, or -1 for chunked."""

    request: Request
    length: int
    keep_alive: bool
    expects_continue: bool


def read_head(head: bytes, accepted: float, limits: Limits, allowed_hosts: frozenset[bytes] | None = None) -> Head:
    """Reads everything up to and including the empty line. Raises Refused."""
    end = head.find(b"\r\n")
    method, target, minor = _request_line(head, end, limits)
    if len(head) > limits.head:
        raise Refused(431, "head too large")
    if head.translate(None, _LEGAL):
        raise Refused(400, "control character in the head")
    lines = head.count(b"\r\n")
    if head.count(b"\n") != lines or head.count(b"\r") != lines:
        raise Refused(400, "line of the head does not end with CR LF")
    if lines - 2 > limits.headers:
        raise Refused(431, "too many headers")
    headers, is_valid = _fields(head)
    decisive = _decisive(headers)
    if not is_valid:
        # Where llhttp stopped at the framing, our own words for it are the better ones.
        _body_length(decisive, head, minor, limits)
        raise Refused(400, "invalid header")
    host = _host(decisive.get(b"host"), minor, allowed_hosts)
    if target[:1] != b"/":
        target = _reduced(method, target, host)
    elif not _ORIGIN_FORM.fullmatch(target):
        raise Refused(400, "invalid request target")
    path, _, query = target.partition(b"?")
    request = Request(method, target, path, query, headers, b"", minor, accepted)
    length = _body_length(decisive, head, minor, limits)
    return Head(request, length, _keeps_alive(decisive, minor), _expects_continue(decisive, minor))


def _request_line(head: bytes, end: int, limits: Limits) -> tuple[bytes, bytes, int]:
    if end > limits.line:
        raise too_long_a_line(head[:end])
    line = _REQUEST_LINE.fullmatch(head, 0, end)
    if line is None:
        raise _bad_line(head[:end])
    method, target, minor = line.groups()
    if method not in ALLOWED_METHODS:
        if method in _REFUSED_METHODS:
            raise Refused(405, "method not allowed", [ALLOW])
        raise Refused(501, "unknown method")
    return method, target, 1 if minor == b"1" else 0


def _bad_line(line: bytes) -> Refused:
    if _OTHER_VERSION.fullmatch(line):
        return Refused(505, "HTTP version not supported")
    return Refused(400, "invalid request line")


def too_long_a_line(line: bytes) -> Refused:
    if b" " not in line[:256]:
        return Refused(400, "invalid request line")
    return Refused(414, "request line too long")


def check_begun(head: bytes | bytearray, since: int, limits: Limits) -> None:
    """Refuses a head that is not whole yet but can't become a valid one; `since` is where the news begins.

    Without this, a request with bare LF or an HTTP/0.9 line would only end by its deadline.
    """
    end = head.find(b"\r\n")
    if end < 0:
        if len(head) > limits.line:
            raise too_long_a_line(bytes(head))
        # Only the first bytes: a line that comes in drips must not be read anew with each.
        if since < 256 and not _BEGUN_LINE.fullmatch(bytes(head[:256])):
            raise Refused(400, "invalid request line")
    elif since <= end + 2:
        _request_line(bytes(head[: end + 2]), end, limits)
    if len(head) > limits.head:
        raise Refused(431, "head too large")
    if has_loose_line_end(head, since):
        raise Refused(400, "line of the head does not end with CR LF")


def has_loose_line_end(head: bytes | bytearray, since: int) -> bool:
    """Whether a CR without LF or a LF without CR came since; a CR at the very end may still get its LF."""
    return _LOOSE_LINE_END.search(head, max(since - 1, 0)) is not None


def raw_path(head: bytes) -> bytes:
    """The path of a request that is refused, as far as it can be told; for the shape of the error only."""
    words = head[: head.find(b"\r\n")].split(b" ", 2)
    return words[1].partition(b"?")[0] if len(words) == 3 and words[1].startswith(b"/") else b""


class _Collector:
    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: Headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip(b" \t")))


def _fields(head: bytes) -> tuple[Headers, bool]:
    """The headers, and whether llhttp took them; where it did not, they are only good for saying why."""
    collector = _Collector()
    try:
        httptools.HttpRequestParser(collector).feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # An offer to upgrade is free to be ignored, and what follows is the body as framed.
    except httptools.HttpParserError:
        lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
        return [(name.lower(), value.strip(b" \t")) for name, _, value in lines], False
    return collector.fields, True


def by_name(headers: Headers) -> dict[bytes, bytes]:
    """Each header by its name; of one that is given several times, the list of its values."""
    found = dict(headers)
    if len(found) < len(headers):
        found.clear()
        for name, value in headers:
            found[name] = found[name] + b"," + value if name in found else value
    return found


def _decisive(headers: Headers) -> dict[bytes, bytes]:
    found = by_name(headers)
    if not _LOOKALIKES.isdisjoint(found):
        raise Refused(400, "invalid header")
    if len(found) < len(headers):
        names = [name for name, _ in headers]
        if any(names.count(name) > 1 for name in _SINGLE):
            raise Refused(400, "header given twice that may be given once")
    return found


def _host(host: bytes | None, minor: int, allowed: frozenset[bytes] | None) -> bytes | None:
    if host is None:
        if minor == 1:
            raise Refused(400, "host header missing")
        if allowed is not None:
            raise Refused(421, "host not served here")
        return None
    if not _HOST.fullmatch(host):
        raise Refused(400, "invalid host header")
    if allowed is not None:
        host = host.lower()
        if host not in allowed and _PORT.sub(b"", host) not in allowed:
            raise Refused(421, "host not served here")
    return host


def _reduced(method: bytes, target: bytes, host: bytes | None) -> bytes:
    if target == b"*":
        if method != b"OPTIONS":
            raise Refused(400, "invalid request target")
        return target
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None:
        raise Refused(400, "invalid request target")
    authority, rest = absolute.groups()
    if host is not None and authority.lower() != host.lower():
        raise Refused(400, "request target and host header name different hosts")
    return rest if rest.startswith(b"/") else b"/" + rest


def _body_length(decisive: dict[bytes, bytes], head: bytes, minor: int, limits: Limits) -> int:
    coding = decisive.get(b"transfer-encoding")
    length = decisive.get(b"content-length")
    if coding is not None:
        _check_coding(coding, head, minor, length is not None)
        return -1
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise Refused(400, "invalid content-length")
    if int(length) > limits.body:
        raise Refused(413, "body too large")
    return int(length)


def _check_coding(coding: bytes, head: bytes, minor: int, has_length: bool) -> None:
    if has_length:
        raise Refused(400, "both content-length and transfer-encoding")
    if minor == 0:
        raise Refused(400, "transfer-encoding in HTTP/1.0")
    if _CHUNKED.search(head):
        return
    codings = [name.strip().lower() for name in coding.split(b",")]
    if not _CODINGS.fullmatch(coding) or b"chunked" in codings[:-1] or codings == [b"chunked"]:
        raise Refused(400, "invalid transfer-encoding")
    raise Refused(501, "unknown transfer-encoding")


def _keeps_alive(decisive: dict[bytes, bytes], minor: int) -> bool:
    connection = decisive.get(b"connection")
    if connection is None:
        return minor == 1
    options = [option.strip().lower() for option in connection.split(b",")]
    if minor == 0:
        return b"keep-alive" in options and b"close" not in options
    return b"close" not in options


def _expects_continue(decisive: dict[bytes, bytes], minor: int) -> bool:
    expectation = decisive.get(b"expect")
    if expectation is None or minor == 0:
        return False
    if expectation.lower() != b"100-continue":
        raise Refused(417, "unknown expectation")
    return True
