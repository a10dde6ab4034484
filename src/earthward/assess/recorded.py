"""Requests with their bodies, in what tools record: HAR, batches and logs of requests, LiteLLM, Langfuse, Helicone.

One JSON object per line, or one document that holds many. What holds no request is counted, not guessed at.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

LARGEST_DOCUMENT = 256 * 1024 * 1024
"""Bytes of a file that is one document; a file of lines may be of any size."""
BOM = b"\xef\xbb\xbf"
"""Before the first line that some editors and exporters write."""
BODIES = ("body", "request_body", "requestBody", "request", "proxy_server_request", "kwargs", "json", "payload")
PATHS = ("path", "url", "endpoint", "request_path", "uri", "route")
APPS = ("app", "application", "key_alias", "user_api_key_alias", "api_key_alias", "service", "trace_name", "traceName")
SPEAKS = ("messages", "input", "prompt", "contents", "requests", "instances")
"""A body with one of these asks a model for something."""
LISTS = ("data", "entries", "generations", "observations", "requests", "items", "results")

Json = dict[str, Any]


class Request(msgspec.Struct, frozen=True):
    """`path` is empty where the record doesn't tell it."""

    app: str
    path: str
    body: Json


def requests(path: Path) -> Iterator[Request | None]:
    """Each record's request, or None for a record without one. Raises OSError."""
    for record in _records(path):
        yield request_in(record, path.stem)


def request_in(record: Any, otherwise: str) -> Request | None:
    """`otherwise` is the application where the record names none."""
    if not isinstance(record, dict):
        return None
    if isinstance(record.get("request"), dict) and "url" in record["request"]:
        return _har(record["request"], otherwise)
    path, body = _path(record), _body(record)
    return None if body is None else Request(_app(record) or otherwise, path or _path(body), body)


def _records(path: Path) -> Iterator[Any]:
    """Lines, if there are several and one is a record; else one document."""
    with path.open("rb") as file:
        lines = _lines(file)
        first, second = next(lines, b""), next(lines, b"")
        if second and isinstance(_decoded(first), dict):
            yield from map(_decoded, chain((first, second), lines))
            return
        file.seek(0)
        whole = _decoded(file.read(LARGEST_DOCUMENT + 1).removeprefix(BOM))
        if whole is not None:
            yield from _within(whole)
        elif first:
            file.seek(0)
            yield from _what_can_be_read(map(_decoded, _lines(file)))


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Those with anything on them. What is longer than any record is nothing."""
    start = BOM
    while line := file.readline(LARGEST_DOCUMENT):
        if found := line.removeprefix(start).strip():
            yield found
        start = b""


def _what_can_be_read(records: Iterable[Any]) -> Iterator[Any]:
    """Records among lines that are none, as where a log was cut off; a document that is broken is one that is none."""
    missed, is_any = 0, False
    for record in records:
        if isinstance(record, dict):
            is_any = True
            yield record
        else:
            missed += 1
    yield from [None] * (missed if is_any else 1)


def _within(whole: Any) -> Iterable[Any]:
    if isinstance(whole, list):
        return whole
    if not isinstance(whole, dict):
        return [None]
    log = whole.get("log")
    if isinstance(log, dict) and isinstance(log.get("entries"), list):
        return [*log["entries"]]
    listed = next((whole[name] for name in LISTS if isinstance(whole.get(name), list) and _are_records(whole)), None)
    return [whole] if listed is None else [*listed]


def _are_records(whole: Json) -> bool:
    return not any(name in whole for name in ("model", "messages"))


def _har(request: Json, otherwise: str) -> Request | None:
    posted = request.get("postData")
    body = _decoded(posted.get("text")) if isinstance(posted, dict) else None
    if not isinstance(body, dict) or not _speaks(body):
        return None
    parts = urlsplit(str(request["url"]))
    headers = request.get("headers")
    named = {
        str(header.get("name", "")).lower(): str(header.get("value", ""))
        for header in (headers if isinstance(headers, list) else ())
        if isinstance(header, dict)
    }
    return Request(named.get("x-earthward-app") or named.get("user-agent", "")[:60] or otherwise, parts.path, body)


def _body(record: Json) -> Json | None:
    if _speaks(record) and "model" in record and not isinstance(record.get("request_body"), dict | str):
        return _langfuse(record) if isinstance(record.get("modelParameters"), dict) else record
    for name in BODIES:
        inner = record.get(name)
        inner = _decoded(inner) if isinstance(inner, str | bytes) else inner
        if not isinstance(inner, dict):
            continue
        if _speaks(inner):
            return inner
        found = _body(inner)
        if found is not None:
            return found
    return _langfuse(record) if "input" in record and "model" in record else None


def _langfuse(record: Json) -> Json:
    """A generation: its input is the messages, or an object with them and with the tools."""
    given = record.get("input")
    body: Json = given if isinstance(given, dict) else {"messages" if isinstance(given, list) else "input": given}
    settings = record.get("modelParameters")
    return {"model": record.get("model"), **body, **(settings if isinstance(settings, dict) else {})}


def _speaks(body: Json) -> bool:
    return any(name in body for name in SPEAKS)


def _path(record: Json) -> str:
    for name in PATHS:
        value = record.get(name)
        if isinstance(value, str) and "/" in value:
            return urlsplit(value).path
    return ""


def _app(record: Json) -> str:
    places = [record, *(record[name] for name in ("metadata", "properties") if isinstance(record.get(name), dict))]
    found = (place[name] for place in places for name in APPS if isinstance(place.get(name), str) and place[name])
    return next(found, "")[:60]


def _decoded(text: Any) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except (msgspec.DecodeError, UnicodeError, RecursionError, TypeError):
        return None
