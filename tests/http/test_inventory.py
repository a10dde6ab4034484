"""Every case of data/http11-inventory.tsv, with a payload of our own written from the RFC, against the real server.

The table says for each id which requests may reach the handler and how the rest is refused; `why` gives the reason
where the RFC leaves a choice. docs/reference/http11.md is made from it:
`python tests/http/test_inventory.py > docs/reference/http11.md`.
"""

import asyncio
import csv
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from earthward.config.snapshot import Limits

INVENTORY = Path(__file__).parent / "data" / "http11-inventory.tsv"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http11.md"
WIRE_SUITES = ("Compliance", "Smuggling", "MalformedInput", "Normalization")


class Case(NamedTuple):
    """`payload` goes out in one piece, or in several with an answer awaited in between.

    `reaches` lists (method, path, body) of the requests the handler sees. `refused` is the status that ends the
    connection after them, 0 where it is closed without a word, None where the connection goes on: then one more
    request is sent, which must be answered too. `closes` is for answers after which the connection is closed.
    """

    payload: bytes | tuple[bytes, ...]
    reaches: tuple[tuple[bytes, bytes, bytes], ...] = ()
    refused: int | None = None
    why: str = ""
    check: Callable[[bytes], object] | None = None
    closes: bool = False


class NotForAGateway(NamedTuple):
    why: str


HOST = b"Host: gateway.test\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
AFTER = b"GET /after HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def get(*headers: bytes, target: bytes = b"/", method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    """`headers` without their line ends; a Host is added."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return method + b" " + target + b" " + version + b"\r\n" + HOST + lines + b"\r\n"


def line(request_line: bytes) -> bytes:
    return request_line + b"\r\n" + HOST + b"\r\n"


def post(body: bytes, *headers: bytes, method: bytes = b"POST", version: bytes = b"HTTP/1.1") -> bytes:
    return get(*headers, method=method, version=version) + body


def chunks(body: bytes, *headers: bytes) -> bytes:
    return post(body, b"Transfer-Encoding: chunked", *headers)


def seen(body: bytes = b"", method: bytes = b"GET", path: bytes = b"/") -> tuple[tuple[bytes, bytes, bytes], ...]:
    return ((method, path, body),)


GOT = seen()
POSTED = seen(b"hello", b"POST")
EMPTY_POST = seen(b"", b"POST")
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def refused(payload: bytes, why: str = "", status: int = 400) -> Case:
    return Case(payload, refused=status, why=why)


def has(pattern: bytes) -> Callable[[bytes], object]:
    return lambda got: re.search(pattern, got)


def lacks(pattern: bytes) -> Callable[[bytes], object]:
    return lambda got: not re.search(pattern, got)


def first_answer(got: bytes) -> bytes:
    return got.partition(b"HTTP/1.1 ")[2].partition(b"HTTP/1.1 ")[0]


IGNORED_UPGRADE = "An offer to upgrade may be ignored (RFC 9110 7.8): we speak HTTP/1.1 only, and the body stays."
STRICT_LENGTH = "Refused though 1*DIGIT: servers that read a leading zero as octal disagree, and no client sends one."
STRICT_LIST = "Refused though a recipient may merge equal values: no client sends it, and smugglers do."
STRICT_EMPTY = "Refused though empty list elements may be ignored: only the very word `chunked` frames a body here."
STRICT_LF = "Bare LF may be accepted (RFC 9112 2.2); refused, because servers differ on it."
STRICT_BOTH = "Transfer-Encoding may override Content-Length (RFC 9112 6.3); refused, and the connection closed."
TRAILERS = "Trailers are checked and dropped, never merged: they can't change route, identity or framing."
EITHER_HALF = "Not refused: it is a valid request, the body is read whole, so that nothing is left for the next one."
UNDERSCORE = "Refused though `_` is a token character: a server behind us may fold it into the header that frames."

CASES: dict[str, Case | NotForAGateway] = {
    # Compliance: request line and version
    "COMP-BASELINE": Case(get(), GOT),
    "RFC9112-2.2-BARE-LF-REQUEST-LINE": refused(b"GET / HTTP/1.1\n" + HOST + b"\r\n", STRICT_LF),
    "RFC9112-3-MULTI-SP-REQUEST-LINE": refused(
        line(b"GET  /  HTTP/1.1"), "Lenient parsing is allowed; refused, because what the target is becomes a guess."
    ),
    "RFC9112-2.3-INVALID-VERSION": refused(line(b"GET / HTTP/9.9"), status=505),
    "RFC9112-3-CR-ONLY-LINE-ENDING": refused(b"GET / HTTP/1.1\rHost: gateway.test\r\r"),
    "RFC9112-3-MISSING-TARGET": refused(line(b"GET  HTTP/1.1")),
    "RFC9112-3.2-FRAGMENT-IN-TARGET": refused(get(target=b"/path#fragment")),
    "RFC9112-2.3-HTTP09-REQUEST": refused(b"GET /\r\n"),
    "COMP-ASTERISK-WITH-GET": refused(get(target=b"*")),
    "COMP-OPTIONS-STAR": Case(
        get(target=b"*", method=b"OPTIONS"),
        why="Answered by the server itself; no handler sees it.",
        check=has(rb"HTTP/1\.1 200 OK\r\nallow: GET, HEAD, POST"),
    ),
    "COMP-LEADING-CRLF": Case(b"\r\n" + get(), GOT, why="One empty line is skipped, as RFC 9112 2.2 advises."),
    "COMP-ABSOLUTE-FORM": Case(get(target=b"http://gateway.test/abs?q=1"), seen(path=b"/abs")),
    "COMP-METHOD-CASE": refused(get(method=b"get"), status=501),
    "COMP-METHOD-CONNECT": refused(line(b"CONNECT example.com:443 HTTP/1.1"), status=405),
    "COMP-METHOD-TRACE": refused(get(method=b"TRACE"), status=405),
    "COMP-TRACE-WITH-BODY": refused(post(b"hello", b"Content-Length: 5", method=b"TRACE"), status=405),
    "COMP-TRACE-SENSITIVE": Case(
        get(b"Authorization: Bearer secret", method=b"TRACE"), refused=405, check=lacks(b"secret")
    ),
    "COMP-UNKNOWN-METHOD": refused(get(method=b"FROBNICATE"), status=501),
    "COMP-405-ALLOW": Case(get(method=b"TRACE"), refused=405, check=has(rb"\r\nallow: GET, HEAD, POST")),
    "COMP-REQUEST-LINE-TAB": refused(line(b"GET\t/\tHTTP/1.1")),
    "COMP-VERSION-MISSING-MINOR": refused(line(b"GET / HTTP/1")),
    "COMP-VERSION-LEADING-ZEROS": refused(line(b"GET / HTTP/01.01")),
    "COMP-VERSION-WHITESPACE": refused(line(b"GET / HTTP/ 1.1")),
    "COMP-VERSION-CASE": refused(line(b"GET / http/1.1")),
    "COMP-HTTP12-VERSION": refused(
        get(version=b"HTTP/1.2"), "No such version exists: who names it is probing. 505 tells a real one to retry.", 505
    ),
    "COMP-LONG-URL-OK": Case(get(target=b"/" + b"a" * 7980), seen(path=b"/" + b"a" * 7980)),
    "COMP-SPACE-IN-TARGET": refused(get(target=b"/a b")),
    # Compliance: headers
    "RFC9112-2.2-BARE-LF-HEADER": refused(b"GET / HTTP/1.1\r\nHost: gateway.test\n\r\n", STRICT_LF),
    "RFC9112-5.1-OBS-FOLD": refused(get(b"X-Folded: a\r\n b")),
    "RFC9110-5.6.2-SP-BEFORE-COLON": refused(get(b"X-Spaced : a")),
    "RFC9112-7.1-MISSING-HOST": refused(b"GET / HTTP/1.1\r\n\r\n"),
    "RFC9112-5-EMPTY-HEADER-NAME": refused(get(b": nameless")),
    "RFC9112-5-INVALID-HEADER-NAME": refused(get(b"X-[Bad]: a")),
    "RFC9112-5-HEADER-NO-COLON": refused(get(b"NoColonHere")),
    "RFC9110-5.4-DUPLICATE-HOST": refused(get(b"Host: other.test")),
    "COMP-WHITESPACE-BEFORE-HEADERS": refused(b"GET / HTTP/1.1\r\n " + HOST + b"\r\n"),
    "COMP-DUPLICATE-HOST-SAME": refused(get(b"Host: gateway.test")),
    "COMP-HOST-WITH-USERINFO": refused(b"GET / HTTP/1.1\r\nHost: user@gateway.test\r\n\r\n"),
    "COMP-HOST-WITH-PATH": refused(b"GET / HTTP/1.1\r\nHost: gateway.test/path\r\n\r\n"),
    "COMP-HOST-EMPTY-VALUE": refused(b"GET / HTTP/1.1\r\nHost: \r\n\r\n"),
    "COMP-HTTP10-NO-HOST": Case(b"GET / HTTP/1.0\r\n\r\n", GOT, closes=True),
    "COMP-DUPLICATE-CT": refused(
        get(b"Content-Type: text/plain", b"Content-Type: application/json"),
        "Refused at the edge: two readers would pick different ones. So are two Authorization headers.",
    ),
    "COMP-RANGE-INVALID": Case(get(b"Range: bytes=abc"), GOT),
    "COMP-ACCEPT-NONSENSE": Case(get(b"Accept: nonsense/nonsense"), GOT, why="The handler's to judge."),
    "COMP-POST-UNSUPPORTED-CT": Case(
        post(b"hello", b"Content-Length: 5", b"Content-Type: application/x-unknown"),
        POSTED,
        why="The handler's to judge.",
    ),
    "COMP-RANGE-POST": Case(post(b"hello", b"Content-Length: 5", b"Range: bytes=0-1"), POSTED),
    # Compliance: bodies
    "RFC9112-6.1-CL-NON-NUMERIC": refused(post(b"hello", b"Content-Length: five")),
    "RFC9112-6.1-CL-PLUS-SIGN": refused(post(b"hello", b"Content-Length: +5")),
    "COMP-UNKNOWN-TE-501": refused(post(HELLO, b"Transfer-Encoding: gzip"), status=501),
    "COMP-POST-CL-BODY": Case(post(b"hello", b"Content-Length: 5"), POSTED),
    "COMP-POST-CL-ZERO": Case(post(b"", b"Content-Length: 0"), EMPTY_POST),
    "COMP-POST-NO-CL-NO-TE": Case(post(b""), EMPTY_POST),
    "COMP-POST-CL-UNDERSEND": refused(post(b"hello", b"Content-Length: 10"), status=408),
    "COMP-CHUNKED-BODY": Case(chunks(HELLO), POSTED),
    "COMP-CHUNKED-MULTI": Case(chunks(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), POSTED),
    "COMP-CHUNKED-EMPTY": Case(chunks(b"0\r\n\r\n"), EMPTY_POST),
    "COMP-CHUNKED-NO-FINAL": refused(chunks(b"5\r\nhello\r\n"), status=408),
    "COMP-GET-WITH-CL-BODY": Case(post(b"hello", b"Content-Length: 5", method=b"GET"), seen(b"hello")),
    "COMP-CHUNKED-EXTENSION": Case(
        chunks(b'5;name=value;other="quo ted"\r\nhello\r\n0\r\n\r\n'), POSTED, why="Checked and dropped."
    ),
    "COMP-CHUNKED-TRAILER-VALID": Case(chunks(b"5\r\nhello\r\n0\r\nX-Checksum: abc\r\n\r\n"), POSTED, why=TRAILERS),
    "COMP-CHUNKED-HEX-UPPERCASE": Case(chunks(b"A\r\nhellohello\r\n0\r\n\r\n"), seen(b"hellohello", b"POST")),
    # Compliance: upgrade, expect, persistence
    "COMP-UPGRADE-POST": Case(
        post(b"hello", b"Content-Length: 5", b"Connection: Upgrade", b"Upgrade: websocket"),
        POSTED,
        why=IGNORED_UPGRADE,
        check=lacks(b" 101 "),
    ),
    "COMP-UPGRADE-MISSING-CONN": Case(get(b"Upgrade: websocket"), GOT, why=IGNORED_UPGRADE, check=lacks(b" 101 ")),
    "COMP-UPGRADE-UNKNOWN": Case(
        get(b"Connection: Upgrade", b"Upgrade: unheard-of/3"), GOT, why=IGNORED_UPGRADE, check=lacks(b" 101 ")
    ),
    "COMP-UPGRADE-INVALID-VER": Case(
        get(
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: 99",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ),
        GOT,
        why=IGNORED_UPGRADE + " With no WebSocket there is no version to ask for by 426.",
        check=lacks(b" 101 "),
    ),
    "COMP-UPGRADE-HTTP10": Case(
        get(b"Connection: Upgrade", b"Upgrade: websocket", version=b"HTTP/1.0"), GOT, check=lacks(b" 101 "), closes=True
    ),
    "COMP-EXPECT-UNKNOWN": refused(post(b"hello", b"Content-Length: 5", b"Expect: a-miracle"), status=417),
    "COMP-CONNECTION-CLOSE": Case(get(b"Connection: close"), GOT, check=has(b"\r\nconnection: close\r\n"), closes=True),
    "COMP-HTTP10-DEFAULT-CLOSE": Case(get(version=b"HTTP/1.0"), GOT, closes=True),
    "COMP-NO-1XX-HTTP10": Case(
        (get(b"Content-Length: 5", b"Expect: 100-continue", method=b"POST", version=b"HTTP/1.0"), b"hello"),
        POSTED,
        check=lacks(b" 100 "),
        closes=True,
    ),
    # Compliance: answers
    "COMP-HEAD-NO-BODY": Case(
        get(method=b"HEAD"),
        seen(method=b"HEAD"),
        check=lambda got: re.search(rb"content-length: 8\r\n", first_answer(got)) and b"HEAD /" not in got,
    ),
    "COMP-DATE-HEADER": Case(get(), GOT, check=has(rb"\r\ndate: ")),
    "COMP-DATE-FORMAT": Case(
        get(),
        GOT,
        check=has(rb"\r\ndate: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n"),
    ),
    "COMP-NO-CL-IN-204": Case(
        get(target=b"/204"),
        seen(path=b"/204"),
        check=lambda got: first_answer(got).startswith(b"204 ") and b"content-length" not in first_answer(got),
    ),
    "COMP-OPTIONS-ALLOW": Case(
        get(target=b"*", method=b"OPTIONS"), why="Of a path, the handler says.", check=has(b"\r\nallow: GET")
    ),
    "COMP-CONTENT-TYPE": Case(get(method=b"TRACE"), refused=405, check=has(b"\r\ncontent-type: text/plain")),
    # Smuggling: Content-Length against Transfer-Encoding
    "SMUG-CL-TE-BOTH": refused(chunks(HELLO, b"Content-Length: 15"), STRICT_BOTH),
    "SMUG-CLTE-PIPELINE": refused(chunks(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: 5"), STRICT_BOTH),
    "SMUG-TECL-PIPELINE": refused(
        post(b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED, b"Content-Length: 3", b"Transfer-Encoding: chunked"), STRICT_BOTH
    ),
    "SMUG-CLTE-CONN-CLOSE": refused(chunks(HELLO + SMUGGLED, b"Content-Length: 15"), STRICT_BOTH),
    "SMUG-TECL-CONN-CLOSE": refused(
        post(HELLO + SMUGGLED, b"Content-Length: 15", b"Transfer-Encoding: chunked"), STRICT_BOTH
    ),
    "SMUG-CLTE-DESYNC": refused(chunks(b"0\r\n\r\nX", b"Content-Length: 6"), STRICT_BOTH),
    "SMUG-CLTE-SMUGGLED-GET": refused(
        post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: %d" % (5 + len(SMUGGLED)), b"Transfer-Encoding: chunked"),
        STRICT_BOTH,
    ),
    "SMUG-CLTE-SMUGGLED-GET-CL-PLUS": refused(
        post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: +%d" % (5 + len(SMUGGLED)), b"Transfer-Encoding: chunked")
    ),
    "SMUG-CLTE-SMUGGLED-GET-CL-NON-NUMERIC": refused(
        post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: %dx" % (5 + len(SMUGGLED)), b"Transfer-Encoding: chunked")
    ),
    "SMUG-CLTE-SMUGGLED-GET-TE-OBS-FOLD": refused(
        post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: %d" % (5 + len(SMUGGLED)), b"Transfer-Encoding:\r\n chunked")
    ),
    "SMUG-CLTE-SMUGGLED-HEAD": refused(
        chunks(b"0\r\n\r\n" + SMUGGLED.replace(b"GET", b"HEAD"), b"Content-Length: 60"), STRICT_BOTH
    ),
    "SMUG-CLTE-SMUGGLED-GET-TE-TRAILING-SPACE": refused(
        post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: %d" % (5 + len(SMUGGLED)), b"Transfer-Encoding: chunked ")
    ),
    "SMUG-CLTE-SMUGGLED-GET-TE-LEADING-COMMA": refused(
        post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: %d" % (5 + len(SMUGGLED)), b"Transfer-Encoding: , chunked")
    ),
    "SMUG-CLTE-SMUGGLED-GET-TE-CASE-MISMATCH": refused(
        post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: %d" % (5 + len(SMUGGLED)), b"Transfer-Encoding: Chunked")
    ),
    "SMUG-TECL-SMUGGLED-GET": refused(
        post(b"33\r\n" + SMUGGLED + b"\r\n0\r\n\r\n", b"Transfer-Encoding: chunked", b"Content-Length: 4"), STRICT_BOTH
    ),
    "SMUG-TECL-DESYNC": refused(
        post(b"0\r\n\r\nXXXXX", b"Transfer-Encoding: chunked", b"Content-Length: 10"), STRICT_BOTH
    ),
    # Smuggling: Content-Length
    "SMUG-DUPLICATE-CL": refused(post(b"hello", b"Content-Length: 5", b"Content-Length: 10")),
    "SMUG-DUPLICATE-CL-SMUGGLED-GET": refused(
        post(SMUGGLED, b"Content-Length: 0", b"Content-Length: %d" % len(SMUGGLED))
    ),
    "SMUG-CL-LEADING-ZEROS": refused(post(b"hello", b"Content-Length: 005"), STRICT_LENGTH),
    "SMUG-CL-LEADING-ZEROS-OCTAL": refused(post(b"a" * 128 + SMUGGLED, b"Content-Length: 0200"), STRICT_LENGTH),
    "SMUG-CL-DOUBLE-ZERO": refused(post(b"", b"Content-Length: 00"), STRICT_LENGTH),
    "SMUG-CL-NEGATIVE": refused(post(b"hello", b"Content-Length: -5")),
    "SMUG-CL-NEGATIVE-ZERO": refused(post(b"", b"Content-Length: -0")),
    "SMUG-CL-TRAILING-SPACE": Case(
        post(b"hello", b"Content-Length: 5 "),
        POSTED,
        why="White space around a value is not part of it (RFC 9110 5.5).",
    ),
    "SMUG-CL-EXTRA-LEADING-SP": Case(
        post(b"hello", b"Content-Length:  5"),
        POSTED,
        why="White space around a value is not part of it (RFC 9110 5.5).",
    ),
    "SMUG-CL-COMMA-DIFFERENT": refused(post(b"hello", b"Content-Length: 5, 10")),
    "SMUG-CL-COMMA-SAME": refused(post(b"hello", b"Content-Length: 5, 5"), STRICT_LIST),
    "SMUG-CL-COMMA-TRIPLE": refused(post(b"hello", b"Content-Length: 5, 5, 5"), STRICT_LIST),
    "SMUG-CL-OCTAL": refused(post(b"hello", b"Content-Length: 0o5")),
    "SMUG-CL-HEX-PREFIX": refused(post(b"hello", b"Content-Length: 0x5")),
    "SMUG-CL-INTERNAL-SPACE": refused(post(b"hello", b"Content-Length: 1 0")),
    "SMUG-CL-UNDERSCORE": refused(post(b"hellohello", b"Content-Length: 1_0")),
    "SMUG-CL0-BODY-POISON": Case(
        post(b"X", b"Content-Length: 0") + get(),
        EMPTY_POST,
        refused=501,
        why="What lies behind a body of no bytes is the next request, here one with the method `XGET`.",
    ),
    # Smuggling: Transfer-Encoding
    "SMUG-TE-XCHUNKED": refused(post(HELLO, b"Transfer-Encoding: xchunked"), status=501),
    "SMUG-TE-TRAILING-SPACE": refused(
        post(HELLO, b"Transfer-Encoding: chunked "), "Trailing space may be trimmed; refused in this one header."
    ),
    "SMUG-TE-SP-BEFORE-COLON": refused(post(HELLO, b"Transfer-Encoding : chunked")),
    "SMUG-TE-DOUBLE-CHUNKED": refused(post(HELLO, b"Transfer-Encoding: chunked, chunked", b"Content-Length: 15")),
    "SMUG-TE-CASE-MISMATCH": Case(
        post(HELLO, b"Transfer-Encoding: Chunked"), POSTED, why="Codings are case-insensitive; with a length, refused."
    ),
    "SMUG-TE-NOT-FINAL-CHUNKED": refused(post(HELLO, b"Transfer-Encoding: chunked, gzip")),
    "SMUG-TE-HTTP10": refused(post(HELLO, b"Transfer-Encoding: chunked", version=b"HTTP/1.0")),
    "SMUG-TE-EMPTY-VALUE": refused(post(HELLO, b"Transfer-Encoding: ")),
    "SMUG-TE-LEADING-COMMA": refused(post(HELLO, b"Transfer-Encoding: , chunked"), STRICT_EMPTY),
    "SMUG-TE-TRAILING-COMMA": refused(post(HELLO, b"Transfer-Encoding: chunked,"), STRICT_EMPTY),
    "SMUG-TE-DUPLICATE-HEADERS": refused(
        chunks(HELLO, b"Transfer-Encoding: identity", b"Content-Length: 15"), STRICT_BOTH
    ),
    "SMUG-TE-DUPLICATE-HEADERS-SMUGGLED-GET": refused(
        chunks(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: identity", b"Content-Length: %d" % (5 + len(SMUGGLED)))
    ),
    "SMUG-TE-VTAB": refused(post(HELLO, b"Transfer-Encoding: \x0bchunked")),
    "SMUG-TE-FORMFEED": refused(post(HELLO, b"Transfer-Encoding: \x0cchunked")),
    "SMUG-TE-NULL": refused(post(HELLO, b"Transfer-Encoding: chunked\0")),
    "SMUG-TE-IDENTITY": refused(post(b"hello", b"Transfer-Encoding: identity", b"Content-Length: 5")),
    "SMUG-TRANSFER_ENCODING": refused(post(HELLO, b"Transfer_Encoding: chunked", b"Content-Length: 15"), UNDERSCORE),
    "SMUG-CHUNKED-WITH-PARAMS": refused(post(HELLO, b"Transfer-Encoding: chunked;ext=val")),
    "SMUG-TE-OBS-FOLD": refused(post(HELLO, b"Transfer-Encoding:\r\n chunked")),
    "SMUG-OPTIONS-TE-OBS-FOLD": refused(
        post(HELLO, b"Transfer-Encoding:\r\n chunked", b"Content-Length: 15", method=b"OPTIONS")
    ),
    "SMUG-TE-TAB-BEFORE-VALUE": refused(
        post(HELLO, b"Transfer-Encoding:\tchunked"), "A tab is valid white space; refused in this one header."
    ),
    # Smuggling: chunks
    "SMUG-CHUNK-BARE-SEMICOLON": refused(chunks(b"5;\r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-EXT-INVALID-TOKEN": refused(chunks(b"5;bad[name=x\r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-UNDERSCORE": refused(chunks(b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n")),
    "SMUG-CHUNK-HEX-PREFIX": refused(chunks(b"0x5\r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-SIZE-PLUS": refused(chunks(b"+5\r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-SIZE-TRAILING-OWS": refused(chunks(b"5 \r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-LEADING-SP": refused(chunks(b" 5\r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-MISSING-TRAILING-CRLF": refused(chunks(b"5\r\nhello0\r\n\r\n")),
    "SMUG-CHUNK-EXT-LF": refused(chunks(b"5;ext\nhello\r\n0\r\n\r\n"), STRICT_LF),
    "SMUG-CHUNK-SPILL": refused(chunks(b"5\r\nhelloXX\r\n0\r\n\r\n")),
    "SMUG-CHUNK-LF-TERM": refused(chunks(b"5\r\nhello\n0\r\n\r\n"), STRICT_LF),
    "SMUG-CHUNK-EXT-CTRL": refused(chunks(b"5;ext\0\r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-EXT-CR": refused(chunks(b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-LF-TRAILER": refused(chunks(b"5\r\nhello\r\n0\r\n\n"), STRICT_LF),
    "SMUG-CHUNK-NEGATIVE": refused(chunks(b"-1\r\nhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-BARE-CR-TERM": refused(chunks(b"5\rhello\r\n0\r\n\r\n")),
    "SMUG-CHUNK-INVALID-SIZE-DESYNC": refused(chunks(b"+0\r\n\r\nX") + get()),
    # Smuggling: trailers
    "SMUG-TRAILER-CL": Case(chunks(b"5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n"), POSTED, why=TRAILERS),
    "SMUG-TRAILER-TE": Case(chunks(b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), POSTED, why=TRAILERS),
    "SMUG-TRAILER-HOST": Case(chunks(b"5\r\nhello\r\n0\r\nHost: evil.test\r\n\r\n"), POSTED, why=TRAILERS),
    "SMUG-TRAILER-AUTH": Case(chunks(b"5\r\nhello\r\n0\r\nAuthorization: Bearer evil\r\n\r\n"), POSTED, why=TRAILERS),
    "SMUG-TRAILER-CONTENT-TYPE": Case(
        chunks(b"5\r\nhello\r\n0\r\nContent-Type: evil/type\r\n\r\n"), POSTED, why=TRAILERS
    ),
    # Smuggling: bodies where none is expected, hosts, pipelines
    "SMUG-EXPECT-100-CL": Case(
        (get(b"Content-Length: 5", b"Expect: 100-continue", method=b"POST"), b"hello"),
        POSTED,
        check=lambda got: got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"),
    ),
    "SMUG-EXPECT-100-CL-DESYNC": Case(
        post(b"hello", b"Content-Length: 5", b"Expect: 100-continue") + get(),
        POSTED + GOT,
        why="With the body here already, 100 is left out (RFC 9110 10.1.1).",
        check=lacks(b" 100 "),
    ),
    "SMUG-HEAD-CL-BODY": Case(
        post(SMUGGLED, b"Content-Length: %d" % len(SMUGGLED), method=b"HEAD"), seen(SMUGGLED, b"HEAD"), why=EITHER_HALF
    ),
    "SMUG-OPTIONS-CL-BODY": Case(
        post(SMUGGLED, b"Content-Length: %d" % len(SMUGGLED), method=b"OPTIONS"),
        seen(SMUGGLED, b"OPTIONS"),
        why=EITHER_HALF,
    ),
    "SMUG-GET-CL-PREFIX-DESYNC": Case(
        post(b"GET /smuggled HTTP/1.1\r\nX: ", b"Content-Length: 27", method=b"GET"),
        seen(b"GET /smuggled HTTP/1.1\r\nX: "),
        why=EITHER_HALF,
    ),
    "SMUG-GET-CL-BODY-DESYNC": Case(
        post(b"hello", b"Content-Length: 5", method=b"GET") + get(), seen(b"hello") + GOT, why=EITHER_HALF
    ),
    "SMUG-OPTIONS-CL-BODY-DESYNC": Case(
        post(b"hello", b"Content-Length: 5", method=b"OPTIONS") + get(),
        seen(b"hello", b"OPTIONS") + GOT,
        why=EITHER_HALF,
    ),
    "SMUG-ABSOLUTE-URI-HOST-MISMATCH": refused(
        get(target=b"http://evil.test/"), "The target would win over Host (RFC 9112 3.2.2); refused, nobody means it."
    ),
    "SMUG-MULTIPLE-HOST-COMMA": refused(b"GET / HTTP/1.1\r\nHost: gateway.test, evil.test\r\n\r\n"),
    "SMUG-BARE-CR-HEADER-VALUE": refused(get(b"X-Value: a\rb")),
    "SMUG-PIPELINE-SAFE": Case(get(target=b"/1") + get(target=b"/2"), seen(path=b"/1") + seen(path=b"/2")),
    # Malformed input
    "MAL-BINARY-GARBAGE": refused(bytes(range(128, 256)) * 4),
    "MAL-LONG-URL": refused(get(target=b"/" + b"a" * 100_000), status=414),
    "MAL-LONG-HEADER-VALUE": refused(get(b"X-Long: " + b"a" * 100_000), status=431),
    "MAL-MANY-HEADERS": refused(get(*(b"X-%d: a" % n for n in range(10_000))), status=431),
    "MAL-NUL-IN-URL": refused(get(target=b"/a\0b")),
    "MAL-CONTROL-CHARS-HEADER": refused(get(b"X-Control: \x01\x02\x1f\x7f")),
    "MAL-INCOMPLETE-REQUEST": refused(b"GET / HTTP/1.1\r\n" + HOST, status=408),
    "MAL-EMPTY-REQUEST": Case(b"", refused=0, why="Nothing was asked: closed without a word when its time is over."),
    "MAL-LONG-HEADER-NAME": refused(get(b"X" * 100_000 + b": a"), status=431),
    "MAL-LONG-METHOD": refused(get(method=b"A" * 100_000)),
    "MAL-NON-ASCII-HEADER-NAME": refused(get("X-No\u00ebl: a".encode())),
    "MAL-NON-ASCII-URL": refused(get(target="/caf\u00e9".encode())),
    "MAL-CL-OVERFLOW": refused(post(b"", b"Content-Length: 99999999999999999999999")),
    "MAL-WHITESPACE-ONLY-LINE": refused(b"   \r\n\r\n"),
    "MAL-NUL-IN-HEADER-VALUE": refused(get(b"X-Nul: a\0b")),
    "MAL-CHUNK-SIZE-OVERFLOW": refused(chunks(b"FFFFFFFFFFFFFFFFF\r\n")),
    "MAL-H2-PREFACE": refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status=505),
    "MAL-CL-EMPTY": refused(post(b"", b"Content-Length: ")),
    "MAL-CL-TAB-BEFORE-VALUE": Case(
        post(b"hello", b"Content-Length:\t5"),
        POSTED,
        why="White space around a value is not part of it (RFC 9110 5.5).",
    ),
    "MAL-URL-BACKSLASH": refused(get(target=b"/a\\b")),
    "MAL-URL-OVERLONG-UTF8": refused(get(target=b"/a\xc0\xafb")),
    "MAL-URL-PERCENT-NULL": Case(
        get(target=b"/a%00b"), seen(path=b"/a%00b"), why="A valid target; paths are compared raw and never decoded."
    ),
    "MAL-URL-PERCENT-CRLF": Case(
        get(target=b"/a%0d%0aX:b"), seen(path=b"/a%0d%0aX:b"), why="A valid target; paths are never decoded."
    ),
    "MAL-CHUNK-EXT-64K": refused(chunks(b"5;" + b"a" * 65_536 + b"\r\nhello\r\n0\r\n\r\n")),
    "MAL-RANGE-OVERLAPPING": Case(
        get(b"Range: bytes=" + b",".join(b"0-%d" % n for n in range(1000))), GOT, why="Ranges mean nothing here."
    ),
    "MAL-POST-CL-HUGE-NO-BODY": refused(post(b"", b"Content-Length: 999999999"), status=413),
    # Normalization
    "NORM-UNDERSCORE-CL": refused(post(b"hello", b"Content_Length: 5"), UNDERSCORE),
    "NORM-SP-BEFORE-COLON-CL": refused(post(b"hello", b"Content-Length : 5")),
    "NORM-TAB-IN-NAME": refused(post(b"hello", b"Content\tLength: 5")),
    "NORM-CASE-TE": Case(post(HELLO, b"TRANSFER-ENCODING: chunked"), POSTED, why="Names are case-insensitive."),
    "NORM-UNDERSCORE-TE": refused(post(HELLO, b"Transfer_Encoding: chunked"), UNDERSCORE),
    # Cookies: what concerns the wire is tried, the rest is for applications that read cookies
    "COOK-ECHO": NotForAGateway("No endpoint echoes or reads cookies."),
    "COOK-OVERSIZED": refused(get(b"Cookie: a=" + b"a" * 65_536), status=431),
    "COOK-EMPTY": Case(get(b"Cookie: "), GOT),
    "COOK-NUL": refused(get(b"Cookie: a=b\0c")),
    "COOK-CONTROL-CHARS": refused(get(b"Cookie: a=\x01\x02\x03")),
    "COOK-MANY-PAIRS": Case(get(b"Cookie: " + b"; ".join(b"n%d=v" % n for n in range(1000))), GOT),
    "COOK-MALFORMED": Case(get(b"Cookie: ===;;;"), GOT),
    "COOK-MULTI-HEADER": Case(get(b"Cookie: a=1", b"Cookie: b=2"), GOT),
    "COOK-PARSED-BASIC": NotForAGateway("Cookies are not parsed, and not forwarded."),
    "COOK-PARSED-MULTI": NotForAGateway("Cookies are not parsed, and not forwarded."),
    "COOK-PARSED-EMPTY-VAL": NotForAGateway("Cookies are not parsed, and not forwarded."),
    "COOK-PARSED-SPECIAL": NotForAGateway("Cookies are not parsed, and not forwarded."),
    # Capabilities
    **{
        name: NotForAGateway("Conditional requests are for resources with validators; answers of models have none.")
        for name in (
            "CAP-ETAG-304",
            "CAP-LAST-MODIFIED-304",
            "CAP-ETAG-IN-304",
            "CAP-INM-PRECEDENCE",
            "CAP-INM-WILDCARD",
            "CAP-IMS-FUTURE",
            "CAP-IMS-INVALID",
            "CAP-INM-UNQUOTED",
            "CAP-ETAG-WEAK",
        )
    },
}


def inventory() -> list[dict[str, str]]:
    with INVENTORY.open(newline="") as lines:
        return list(csv.DictReader((row for row in lines if not row.startswith("#")), delimiter="\t"))


def suite_of() -> dict[str, str]:
    return {row["id"]: row["suite"] for row in inventory()}


def statuses(got: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got) if status != b"100"]


async def outcome(case: Case, serving) -> list[str]:
    """What is wrong with how the server took a case, by a server and handler of its own."""
    waits = case.refused in (408, 0)
    limits = Limits(head_deadline=0.2, body_deadline=0.2, keep_alive=0.2) if waits else Limits()
    async with serving(limits=limits) as place, place.client() as client:
        pieces = (case.payload,) if isinstance(case.payload, bytes) else case.payload
        for piece in pieces[:-1]:
            await client.send(piece)
            try:
                async with asyncio.timeout(0.1):
                    await client.receive()
            except TimeoutError:
                pass
        goes_on = case.refused is None
        await client.send(pieces[-1] + (AFTER if goes_on else b""))
        got = await client.rest()
        reached = [(request.method, request.path, request.body) for request in place.app.seen]
    expected = list(case.reaches) + ([(b"GET", b"/after", b"")] if goes_on and not case.closes else [])
    answers = len(expected) + (1 if not case.reaches and goes_on and not case.closes else 0)
    ends = [case.refused] if case.refused else []
    wrong = []
    if reached != expected:
        wrong.append(f"reached the handler: {reached}")
    if len(statuses(got)) != answers + len(ends) or statuses(got)[answers:] != ends:
        wrong.append(f"answered {statuses(got)}")
    if any(status >= 300 for status in statuses(got)[:answers]):
        wrong.append(f"did not serve: {statuses(got)}")
    if case.check is not None and not case.check(got):
        wrong.append(f"answered {got[:300]!r}")
    return wrong


async def faults(cases: dict[str, Case], judge) -> dict[str, list[str]]:
    """The cases that went wrong, all tried at the same time."""
    found = await asyncio.gather(*(judge(case) for case in cases.values()))
    return {name: wrong for name, wrong in zip(cases, found, strict=True) if wrong}


def wire_cases(suite: str) -> dict[str, Case]:
    suites = suite_of()
    return {name: case for name, case in CASES.items() if isinstance(case, Case) and suites[name] == suite}


def test_every_case_of_the_inventory_has_a_payload_or_a_reason():
    assert set(CASES) == {row["id"] for row in inventory()}
    for row in inventory():
        case = CASES[row["id"]]
        if isinstance(case, NotForAGateway):
            assert case.why
            assert row["suite"] not in WIRE_SUITES


def suite_test(suite: str):
    async def test(serving):
        assert await faults(wire_cases(suite), lambda case: outcome(case, serving)) == {}

    return test


test_every_compliance_case_ends_as_the_table_says = suite_test("Compliance")
test_no_smuggling_case_brings_more_than_its_own_requests_to_the_handler = suite_test("Smuggling")
test_every_malformed_input_ends_as_the_table_says = suite_test("MalformedInput")
test_no_header_name_is_normalized_into_another = suite_test("Normalization")
test_every_cookie_case_that_concerns_the_wire_ends_as_the_table_says = suite_test("Cookie")


class Permissive:
    """A server as they should not be: any line end, the last header wins, numbers as Python's int() takes them."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, bytes, bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            data = await reader.read()
            while data:
                data = self.take(data)
        except (ValueError, IndexError):
            pass
        finally:
            writer.close()

    def take(self, data: bytes) -> bytes:
        head, _, rest = data.replace(b"\n ", b" ").lstrip().partition(b"\r\n\r\n")
        lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        method, target = lines[0].split()[:2]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            headers[name.strip().lower().replace(b"_", b"-")] = value.strip()
        if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            body, rest = self.chunks(rest)
        else:
            length = int(headers.get(b"content-length", b"0").split(b",")[-1].strip(), 0)
            body, rest = rest[:length], rest[length:]
        self.seen.append((method, target, body))
        return rest

    def chunks(self, data: bytes) -> tuple[bytes, bytes]:
        body = b""
        while True:
            line, _, data = data.partition(b"\n")
            size = int(line.split(b";")[0].strip(), 16)
            if size <= 0:
                return body, data.partition(b"\n")[2]
            body, data = body + data[:size], data[size:].lstrip(b"\r\n")


async def permissive_outcome(case: Case) -> list[tuple[bytes, bytes, bytes]]:
    """The requests that reach the permissive server's handler and should not."""
    server = Permissive()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    writer.write(case.payload if isinstance(case.payload, bytes) else b"".join(case.payload))
    writer.write_eof()
    await reader.read()
    for closing in (writer, listener):
        closing.close()
        await closing.wait_closed()
    return [request for request in server.seen if request not in case.reaches]


async def test_the_smuggling_cases_do_find_a_permissive_server_out():
    found = await faults(wire_cases("Smuggling"), permissive_outcome)
    assert len(found) > 50
    assert any((b"GET", b"/smuggled", b"") in reached for reached in found.values())


def page() -> str:
    """docs/reference/http11.md"""
    suites = suite_of()
    text = [
        "# HTTP/1.1: what the server takes and what it refuses\n",
        "Every case of the inventory in `tests/http/data/http11-inventory.tsv` is tried against the real server by",
        "`tests/http/test_inventory.py`, with payloads written from RFC 9110 and RFC 9112. What an RFC forbids is",
        "refused; below are the places where it leaves a choice, or a case is not for a gateway, with our reason.",
        "This page is made by `python tests/http/test_inventory.py`.\n",
        "After a refusal the connection is closed, always: what lies behind a request that was not understood can't be",
        "told apart from its body.\n",
        "## Limits\n",
        "| What | Bound | Answer |",
        "| --- | --- | --- |",
        *(f"| {what} | {bound} | {answer} |" for what, bound, answer in BOUNDS),
        "",
    ]
    for suite in dict.fromkeys(suites.values()):
        reasons: dict[tuple[str, str], list[str]] = {}
        for name, case in CASES.items():
            if suites[name] == suite and case.why:
                reasons.setdefault((case.why, verdict(case)), []).append(name)
        text += [f"## {suite}\n", "| Why | Answer | Cases |", "| --- | --- | --- |"]
        text += [f"| {why} | {answer} | {', '.join(names)} |" for (why, answer), names in reasons.items()]
        text.append("")
    return "\n".join(text)


def verdict(case: Case | NotForAGateway) -> str:
    if isinstance(case, NotForAGateway):
        return "not for a gateway"
    if case.refused is None:
        return "served"
    return str(case.refused) if case.refused else "closed"


_BOUNDS = Limits()
BOUNDS = (
    ("request line", f"{_BOUNDS.line // 1024} KiB", "414"),
    ("head", f"{_BOUNDS.head // 1024} KiB, {_BOUNDS.headers} headers", "431"),
    ("body", f"{_BOUNDS.body // 1024 // 1024} MiB, from its announced length before it is read", "413"),
    ("head half sent", f"{_BOUNDS.head_deadline:g} s from its first byte", "408"),
    (
        "body half sent",
        f"{_BOUNDS.body_deadline:g} s of waiting in all; every 10 kB that come buy back a second of it",
        "408",
    ),
    ("answer not taken", f"{2 * _BOUNDS.body_deadline:g} s without a byte", "cut off"),
    ("idle connection", f"{_BOUNDS.keep_alive:g} s", "closed"),
    ("connections", f"{_BOUNDS.connections}", "503"),
    ("bytes of unfinished requests, all connections", "256 MiB", "503 to the one that holds most"),
    ("chunk line, trailer line", "1 KiB", "400"),
)


def test_the_page_about_http_says_what_the_table_says():
    assert PAGE.read_text() == page()


if __name__ == "__main__":
    sys.stdout.write(page())
