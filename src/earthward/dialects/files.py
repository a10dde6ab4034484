"""Files whose bytes stand in a request: what is text in them is told as text, under the file's name, which every model
reads; what can't be read is refused by its place.

Types are told by what was stated, else by the name. Which tables of types a machine has makes no difference.
"""

import binascii
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from earthward.chat import Document, FailureKind
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.inline import standard_base64

LARGEST_TEXT = 4 * 1024 * 1024
"""Bytes; about a million tokens, which is more than models read at once."""
_TEXTS = frozenset(
    {
        *("application/json", "application/jsonl", "application/x-ndjson", "application/xml", "application/yaml"),
        *("application/x-yaml", "application/toml", "application/javascript", "application/x-javascript"),
        *("application/typescript", "application/sql", "application/x-sh", "application/csv"),
        *("application/graphql", "application/x-python", "application/x-tex", "application/x-httpd-php"),
    }
)
_ENDINGS = {
    "application/json": "json",
    "application/jsonl": "jsonl ndjson",
    "application/pdf": "pdf",
    "application/toml": "toml",
    "application/xml": "xml",
    "application/yaml": "yaml yml",
    "text/css": "css",
    "text/csv": "csv",
    "text/html": "html htm",
    "text/markdown": "md markdown",
    "text/plain": "txt text log ini conf py java c h cpp go rs js ts rb sh sql tex diff",
    "text/tab-separated-values": "tsv",
    "text/x-rst": "rst",
}
_TYPES = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream")
_UTF_8 = ("", "utf-8", "utf8", "us-ascii", "ascii")
_BLANKS = str.maketrans("", "", " \t\r\n")


def read_file(given: str, name: str | None, where: str) -> Document:
    """Of a data URL, or of bare base64. `where` is the field's place. Raises Inexpressible."""
    if given[:5].lower() != "data:":
        return document("", given, name, where)
    head, comma, data = given[5:].partition(",")
    if not comma:
        raise _bad(f"`{where}` is a data URL without data: there is no comma in it", where)
    kind, *parameters = (piece.strip() for piece in head.split(";"))
    if parameters and parameters[-1].lower() == "base64":
        return document(";".join((kind, *parameters[:-1])), data, name, where)
    return _of_bytes(";".join((kind or "text/plain", *parameters)), unquote_to_bytes(data), name, where)


def document(kind: str, data: str, name: str | None, where: str) -> Document:
    """Of base64 of either alphabet, with its padding or without. `kind` is a media type, empty if none was stated.

    Raises Inexpressible for what is not base64, and for text that is not UTF-8 or too long.
    """
    bare = _standard(data)
    stated = type_of(kind, name)
    if not is_text(stated):
        _decoded(bare, where)
        return Document(stated or None, bare, name=name)
    # Looked at before it is decoded: three bytes are four characters.
    _refuse_too_long(len(bare) * 3 // 4 - 2, where)
    return _of_bytes(kind, _decoded(bare, where), name, where)


def as_text(file: Document) -> Document:
    """The file told as text, if it is bytes of text that can be; else as it came."""
    try:
        return document(file.media_type or "", file.data, file.name, "") if file.data is not None else file
    except Inexpressible:
        return file


def type_of(kind: str, name: Any) -> str:
    """In lower case and without parameters; empty if nothing tells."""
    stated = kind.partition(";")[0].strip().lower()
    if stated not in _UNTOLD:
        return stated
    _, dot, ending = (name if isinstance(name, str) else "").rpartition(".")
    return _TYPES.get(ending.lower(), "") if dot else ""


def is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind in _TEXTS or (kind[:6] != "image/" and kind.endswith(("+json", "+xml")))


class _File(msgspec.Struct):
    file_data: msgspec.Raw = msgspec.Raw(b"")
    filename: Any = None


_FILE = msgspec.json.Decoder(_File)
_HEAD = 256


def size_of_text(raw: bytes) -> int | None:
    """How many bytes of text a file of OpenAI's holds, about; None if it holds something else. Reads it as JSON."""
    try:
        file = _FILE.decode(raw)
    except msgspec.MsgspecError:
        return None
    data = bytes(file.file_data)
    head = data[1:_HEAD].replace(b"\\/", b"/").decode("latin-1")
    return _size(head, len(data) - 2, file.filename)


def size_of_text_in(data: Any, name: Any) -> int | None:
    """The same of fields that were read."""
    return _size(data[:_HEAD], len(data), name) if isinstance(data, str) else None


def _size(head: str, length: int, name: Any) -> int | None:
    kind = head[5:].partition(",")[0] if head[:5].lower() == "data:" else ""
    return length * 3 // 4 if length > 0 and is_text(type_of(kind, name)) else None


def _of_bytes(kind: str, data: bytes, name: str | None, where: str) -> Document:
    stated = type_of(kind, name)
    if not is_text(stated):
        return Document(stated or None, binascii.b2a_base64(data, newline=False).decode(), name=name)
    _refuse_too_long(len(data), where)
    charset = next((it.partition("=")[2] for it in kind.split(";")[1:] if it.strip().lower().startswith("charset")), "")
    if charset.strip(' "').lower() not in _UTF_8:
        raise _bad(f"`{where}` is text in another encoding than UTF-8 ({charset[:20]}); send it in UTF-8", where)
    try:
        return Document(stated, text=data.decode("utf-8-sig"), name=name)
    except UnicodeDecodeError:
        message = f"`{where}` is said to be {stated}, but its bytes are not text in UTF-8"
        raise _bad(message, where) from None


def _refuse_too_long(size: int, where: str) -> None:
    if size > LARGEST_TEXT:
        most = LARGEST_TEXT // 1024 // 1024
        message = f"`{where}` holds more than {most} MB of text, which no model reads at once; send a part of it"
        raise Inexpressible(message, where, FailureKind.TOO_LARGE)


def _standard(data: str) -> str:
    data = data.translate(_BLANKS) if any(blank in data for blank in " \t\r\n") else data
    return standard_base64(data)


def _decoded(data: str, where: str) -> bytes:
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:
        raise _bad(f"`{where}` is not base64: {str(error)[:60].lower()}", where) from None


def _bad(message: str, where: str) -> Inexpressible:
    return Inexpressible(message, where, FailureKind.BAD_REQUEST)
