"""Fetching what a request names by its address, from a server with a certificate of its own on loopback."""

import asyncio
import base64
import datetime
import ssl
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from earthward.chat import ChatRequest, Failure, FailureKind, Image
from earthward.config.snapshot import Provider, Target
from earthward.gateway.crossing import Written, crossing
from earthward.gateway.doors import EXITS
from earthward.gateway.doors.door import Question
from earthward.gateway.fetching import NotFetched, Room, bring_in, first_public
from earthward.gateway.terms import terms_of
from gateway.test_crossing import question

PNG = base64.b64decode("iVBORw0KGgo=")
HOST = "img.example.com"
VLLM = Provider("p", "openai_compatible", "openai_chat", "local", ())
TARGET = Target("t", "p", "up", "local")
TERMS = terms_of(TARGET, VLLM, (".example.com",))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's side and ours."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "c.pem", folder / "k.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return _contexts(pem, secret)


def _contexts(pem: Path, secret: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(pem, secret)
    return theirs, ssl.create_default_context(cafile=str(pem))


def asked(url: str = f"https://{HOST}/a b.png?x=1") -> Question:
    part = {"type": "image_url", "image_url": {"url": url.replace(" ", "%20")}}
    return question(b"/v1/chat/completions", messages=[{"role": "user", "content": [part, part]}])


def fetched(
    tls: Any, answer: bytes, it: Question, terms: Any = TERMS, room: Room | None = None
) -> tuple[Failure | None, list[bytes]]:
    """What came of it, and the requests that the server has seen."""
    heads: list[bytes] = []
    room = room or Room()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def play() -> Failure | None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls[0]) as server:
            port = server.sockets[0].getsockname()[1]

            async def place(host: str) -> tuple[str, int]:
                if host != HOST:
                    return first_public({"10.0.0.1", "8.8.8.8"}), 443
                return "127.0.0.1", port

            return await bring_in(it, terms, room, place, tls[1])

    return uvloop.run(play()), heads


def http(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


GOOD = http("200 OK", "content-type: image/png; q=1", body=PNG)


def test_data_takes_the_place_of_an_address_that_is_fetched_once(tls: Any) -> None:
    it = asked()
    failure, heads = fetched(tls, GOOD, it)
    assert failure is None
    assert len(heads) == 1
    assert heads[0].startswith(b"GET /a%20b.png?x=1 HTTP/1.1\r\nhost: img.example.com\r\n")
    assert isinstance(it.chat, ChatRequest)
    assert it.chat.messages[0].parts == (Image("image/png", base64.b64encode(PNG).decode()),) * 2


def test_what_all_requests_hold_together_is_bounded_and_who_comes_too_late_is_told_to_come_again(tls: Any) -> None:
    room = Room(2 * len(PNG) - 1)
    first, second = asked(), asked()
    assert fetched(tls, GOOD, first, room=room)[0] is None
    assert (room.held, first.fetched) == (len(PNG), len(PNG))
    failure, _ = fetched(tls, GOOD, second, room=room)
    assert failure is not None
    assert (failure.kind, failure.retry_after, second.has_fetched) == (FailureKind.OVERLOADED, 1.0, False)
    assert "base64" in failure.message
    assert room.held == len(PNG), "what could not be held is not counted"
    room.give_back(first.fetched)
    assert fetched(tls, GOOD, second, room=room)[0] is None


def test_what_was_fetched_goes_on_as_data_and_the_request_as_it_came_never(tls: Any) -> None:
    it = asked()
    fetched(tls, GOOD, it)
    way = EXITS["openai_chat"].way(TARGET, VLLM)
    written = crossing(it, way, "openai_chat", "up", TERMS).request()
    assert isinstance(written, Written)
    assert HOST.encode() not in written.body
    assert base64.b64encode(PNG) in written.body


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http("302 Found", "location: http://169.254.169.254/"), "redirects are not followed"),
        (http("404 Not Found", body=b"secret of the inside"), "status 404"),
        (http("200 OK", "content-encoding: gzip", body=PNG), "compressed"),
        (http("200 OK", "content-type: image/png", body=bytes(20 * 1024 * 1024 + 1)), "larger than 20 MB"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", "broke the connection off"),
        (http("200 OK", "content-type: Text/HTML; charset=utf-8", body=b"Please sign in"), "answers with a page"),
        (b"no HTTP at all\r\n\r\n", "broke the connection off"),
    ],
)
def test_an_answer_that_is_no_picture_says_why_and_nothing_of_what_it_was(tls: Any, answer: bytes, why: str) -> None:
    it, room = asked(), Room()
    failure, _ = fetched(tls, answer, it, room=room)
    assert failure is not None
    assert failure.kind is FailureKind.UNSUPPORTED
    assert room.held == 0
    assert why in failure.message
    assert "secret" not in failure.message
    assert not it.has_fetched


@pytest.mark.parametrize("kind", ["image/png,AAAA", 'image/png"', "png", ""])
def test_a_type_that_would_say_more_than_a_type_is_none(tls: Any, kind: str) -> None:
    it = asked()
    failure, _ = fetched(tls, http("200 OK", f"content-type: {kind}", body=PNG), it)
    assert failure is None
    assert isinstance(it.chat, ChatRequest)
    assert it.chat.messages[0].parts[0] == Image(None, base64.b64encode(PNG).decode())


@pytest.mark.parametrize("name", [f"{'a' * 64}.example.com", ".example.com", "a..example.com"])
def test_a_name_that_is_none_is_a_refusal(tls: Any, name: str) -> None:
    async def asked_for() -> Failure | None:
        async def somewhere(host: str) -> tuple[str, int]:
            return "127.0.0.1", 9

        return await bring_in(asked(f"https://{name}/a.png"), TERMS, Room(), somewhere, tls[1])

    for run in (asyncio.run, uvloop.run):
        failure = run(asked_for())
        assert failure is not None
        assert "could not be asked" in failure.message


def test_a_host_without_a_certificate_for_its_name_is_not_heard(tls: Any) -> None:
    stranger = ssl.create_default_context()
    failure, heads = fetched((tls[0], stranger), GOOD, asked())
    assert failure is not None
    assert heads == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com.attacker.net/a.png",
        "http://img.example.com/a.png",
        "https://img.example.com:8443/a.png",
        "https://10.0.0.1/a.png",
    ],
)
def test_nobody_else_is_asked(tls: Any, url: str) -> None:
    it = asked(url)
    assert fetched(tls, GOOD, it) == (None, [])
    way = EXITS["openai_chat"].way(TARGET, VLLM)
    assert isinstance(crossing(it, way, "openai_chat", "up", TERMS).request(), Failure)


def test_a_name_that_leads_into_the_house_is_not_followed(tls: Any) -> None:
    failure, heads = fetched(tls, GOOD, asked("https://rebound.example.com/a.png"))
    assert failure is not None
    assert "not public" in failure.message
    assert heads == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0",
     "64:ff9b::a00:1", "2002:a00:1::", "::10.0.0.1", "::ffff:0:10.0.0.1", "fec0::1", "168.63.129.16",
     "224.0.0.1", "100.64.0.1", "192.168.1.1", "not an address", ""],
)  # fmt: skip
def test_only_public_addresses_are_called(address: str) -> None:
    with pytest.raises(NotFetched):
        first_public({"8.8.8.8", address})
    with pytest.raises(NotFetched):
        first_public(())
    assert first_public({"8.8.8.8", "2606:4700::1111"}) in ("8.8.8.8", "2606:4700::1111")


def test_services_outside_are_left_to_fetch_for_themselves(tls: Any) -> None:
    outside = Provider("p", "openai", "openai_chat", "cloud", ())
    it = asked()
    assert fetched(tls, GOOD, it, terms_of(Target("t", "p", "up", "cloud"), outside, (".example.com",))) == (None, [])
    assert not it.has_fetched
