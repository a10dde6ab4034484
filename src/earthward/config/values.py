"""What single values look like in a configuration: addresses, URLs, durations, shares, sizes, references to secrets.

Each says in its error what it takes, and never repeats what was given, which may be a secret in the wrong place.
"""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, Strict, ValidationInfo

from earthward.config.problems import meant, shown
from earthward.config.secrets import FORM, is_reference
from earthward.providers.hosts import address_of, is_local, is_metadata, is_name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|h)")
_PERIOD = re.compile(r"([0-9]{1,5}) ?(h|d|w)")
_PERIOD_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
LONGEST_PERIOD = 3660 * 86_400
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TOKENS = re.compile(r"(<=|<|>=|>) ?([0-9]{1,9})|([0-9]{1,9}) ?- ?([0-9]{1,9})")
MOST_TOKENS = 10**9
MOST_CONTEXTS = 8
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY, _WEEK = 24 * 60, 7 * 24 * 60
_SPAN = re.compile(
    rf"(?:({'|'.join(_DAYS)})(?:-({'|'.join(_DAYS)}))? )?([0-9]{{2}}):([0-9]{{2}})-([0-9]{{2}}):([0-9]{{2}})"
)
_DAILY = re.compile(r"\$?([0-9]{1,7}(?:\.[0-9]{1,9})?)(?: ?(?:USD|dollars?))?(?: ?/ ?day| a day)?")
MOST_DOLLARS = 1_000_000
_SIZE = re.compile(r"([0-9]+) ?(B|KB|MB)")
_BYTES = {"B": 1, "KB": 1024, "MB": 1024 * 1024}
_SHARE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?%")
_HOURLY = re.compile(r"([0-9]{1,4}) ?(?:/ ?|an? )(?:h|hour)")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADERS_OF_OURS = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "content-type",
        "transfer-encoding",
        "accept-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "user-agent",
        "keep-alive",
    }
)
_SECRET_HEADER = re.compile(r"auth|key|secret|token|password|cookie", re.IGNORECASE)


class Trickle(NamedTuple):
    """A share in 1/10,000, or so many an hour."""

    share: int = 0
    per_hour: int = 0

    @property
    def every(self) -> float:
        """Seconds from one to the next; 0 where it is a share."""
        return 3600.0 / self.per_hour if self.per_hour else 0.0


class Address(NamedTuple):
    """A host without brackets, and a port; 0 takes any free one."""

    host: str
    port: int


def address(text: Any) -> Address:
    if not isinstance(text, str):
        raise ValueError("takes a host and a port, as in 127.0.0.1:4000")
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        raise ValueError("has no port; write it as in 127.0.0.1:4000 or [::1]:4000")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError("has a port that is no number from 0 to 65535")
    host = host.removeprefix("[").removesuffix("]")
    if address_of(host) is None and not is_name(host):
        raise ValueError("has no valid host; write it as in 127.0.0.1:4000")
    return Address(host, int(port))


def url(text: str) -> str:
    """An http or https URL that may be sent to, without the slash at its end."""
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("is no URL: it has blanks or characters beyond ASCII")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is no URL; write it as in https://host:8000/v1") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must begin with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise ValueError(f"must not hold credentials; give them in `api_key` as {FORM}")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("must end with its path: no query and no fragment")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("has no valid port")
    if is_metadata(host):
        raise ValueError("is where clouds keep a machine's credentials; no model is served there")
    if address_of(host) is None and not is_name(host):
        raise ValueError("has no valid host; addresses are written as in 10.0.0.1 or [fd00::1]")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def proxy(text: str) -> str:
    checked = url(text)
    if not checked.startswith("http://") or urlsplit(checked).path:
        raise ValueError("must be a plain http:// URL of a host and port, which is told to CONNECT")
    return checked


def origin(text: str) -> str:
    if text == "*":
        return text
    checked = url(text)
    if urlsplit(checked).path or text.endswith("/"):
        raise ValueError("is no origin; write it as in https://app.example, or `*` for all")
    return checked


def duration(value: Any) -> float:
    """Seconds."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or float(found[1]) == 0:
        raise ValueError("takes a time above zero, such as 500ms, 10s, 5m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def period(value: Any) -> int:
    """Seconds, for what is counted in hours and days."""
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    seconds = int(found[1]) * _PERIOD_SECONDS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_PERIOD:
        raise ValueError("takes hours, days or weeks up to ten years, such as 12h, 30d or 4w")
    return seconds


def keep_alive(value: Any) -> int | str:
    """As Ollama takes it: seconds, -1 for ever, or a time with its unit."""
    is_seconds = isinstance(value, int) and not isinstance(value, bool) and -1 <= value < 2**31
    if not is_seconds and not (isinstance(value, str) and _DURATION.fullmatch(value)):
        raise ValueError("takes -1 for ever, 0 for not at all, seconds, or a time such as 30m or 24h")
    return value.replace(" ", "") if isinstance(value, str) else int(value)


def contexts(value: Any) -> tuple[int, ...]:
    """Tokens; of several, the least first."""
    if value is None:
        return ()
    given = value if isinstance(value, list | tuple) else [value]
    whole = [it for it in given if isinstance(it, int) and not isinstance(it, bool) and 0 < it <= 2**31]
    if not whole or len(whole) != len(given):
        raise ValueError("takes tokens, such as 16384, or several such as [4096, 16384, 32768]")
    if len(whole) > MOST_CONTEXTS:
        raise ValueError(f"has {len(whole)} sizes; each is a load of its own, so give {MOST_CONTEXTS} at most")
    if len(set(whole)) < len(whole):
        raise ValueError("has the same size twice")
    return tuple(sorted(whole))


def token_range(value: Any) -> tuple[int, int]:
    """The least and the most."""
    found = _TOKENS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("takes a number of tokens to compare with, such as `<= 8000`, `> 8000` or `1000-8000`")
    sign, bound, least, most = found.groups()
    if sign is None:
        low, high = int(least), int(most)
    elif sign[0] == "<":
        low, high = 0, int(bound) - (sign == "<")
    else:
        low, high = int(bound) + (sign == ">"), MOST_TOKENS
    if not 0 <= low <= high <= MOST_TOKENS:
        raise ValueError("holds no number of tokens: its end comes before its beginning")
    return low, high


def span_of_week(value: Any) -> tuple[tuple[int, int], ...]:
    """Minutes of the week, in pieces that do not run over its end."""
    found = _SPAN.fullmatch(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("takes hours with or without days, such as `mon-fri 08:00-18:00` or `22:00-06:00`")
    first, last = found[1] or "mon", found[2] or found[1] or "sun"
    hours = [int(part) for part in found.group(3, 4, 5, 6)]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(start, end) > _DAY or max(hours[1], hours[3]) > 59 or start == end:
        raise ValueError("has hours that are none, or no time between them")
    days = [(_DAYS.index(first) + step) % 7 for step in range((_DAYS.index(last) - _DAYS.index(first)) % 7 + 1)]
    length = (end - start) % _DAY or _DAY
    return tuple(piece for day in days for piece in _pieces(day * _DAY + start, length))


def _pieces(start: int, length: int) -> list[tuple[int, int]]:
    end = start + length
    return [(start, end)] if end <= _WEEK else [(start, _WEEK), (0, end - _WEEK)]


def spans_of_week(value: Any) -> tuple[tuple[int, int], ...]:
    given = listed(value)
    return tuple(piece for each in (given if isinstance(given, list) else [given]) for piece in span_of_week(each))


def daily(value: Any) -> int:
    """Nano-dollars."""
    given = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    found = _DAILY.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None or Decimal(found[1]) > MOST_DOLLARS:
        raise ValueError("takes dollars a day, such as 5 USD/day or 0.50")
    return int(Decimal(found[1]) * 1_000_000_000)


def size(value: Any) -> int:
    """Bytes."""
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError("takes a size above zero, such as 64 KB or 32 MB")
    return int(found[1]) * _BYTES[found[2]]


def objective(value: Any) -> float:
    """A share of all requests, such as 0.995; never all of them, which would leave nothing to go wrong."""
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("takes a percentage, such as 99.5%")
    share = float(Decimal(found[1]) / 100)
    if not 0 < share < 1:
        raise ValueError("is to be more than 0% and less than 100%")
    return share


def share(value: Any) -> int:
    """In 1/10,000."""
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("takes a percentage, such as 25%")
    parts = Decimal(found[1]) * 100
    if parts > 10_000:
        raise ValueError("is more than 100%")
    if parts != int(parts):
        raise ValueError("is finer than 0.01%")
    return int(parts)


def drill(value: Any) -> Trickle:
    hourly = _HOURLY.fullmatch(value) if isinstance(value, str) else None
    if hourly is not None:
        return Trickle(per_hour=int(hourly[1]))
    try:
        return Trickle(share(value))
    except ValueError as error:
        words = str(error)
        told = words if words.startswith("is ") else f"{words}, or requests an hour, such as 6/hour"
        raise ValueError(told) from None


def reference(text: Any, info: ValidationInfo) -> str:
    if not isinstance(text, str) or not is_reference(text):
        raise ValueError(f"takes a reference, {FORM}; a secret itself does not belong in this file")
    kind, _, rest = text.partition(":")
    return f"file:{_folder(info) / rest}" if kind == "file" else text


def webhook(value: Any, info: ValidationInfo) -> str:
    """A URL, or where one is, since the address of a webhook is often its password."""
    if not isinstance(value, str):
        raise ValueError(f"takes a URL, or {FORM}")
    if is_reference(value):
        return reference(value, info)
    if "?" in value:
        raise ValueError(f"has a query, which is often a secret; give it as {FORM}")
    checked = url(value)
    if checked.startswith("http://") and not is_local(urlsplit(checked).hostname or ""):
        raise ValueError("is http://, which would send notices in the clear; use https://")
    return checked


def existing_file(text: str, info: ValidationInfo) -> str:
    path = _folder(info) / text
    if not path.is_file():
        raise ValueError(f"names a file that is not there: {path}")
    return str(path)


def name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("is no name: up to 64 letters, digits, `_`, `.` and `-`, a letter or digit first")
    return text


def header_name(text: str) -> str:
    if not _HEADER.fullmatch(text):
        raise ValueError("is no name of a header")
    if text.lower() in _HEADERS_OF_OURS:
        raise ValueError("is a header that the gateway sets itself")
    if _SECRET_HEADER.search(text):
        raise ValueError("is a header for secrets, and they do not belong in this file; use `api_key`")
    return text.lower()


def header_value(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("has characters that no header may carry")
    return text.strip()


def listed(value: Any) -> Any:
    """One value stands for a list of one."""
    return [value] if isinstance(value, str | int | float) else value


def one_of(*words: str, later: tuple[str, ...] = ()) -> BeforeValidator:
    """One of these words; `later` are known to be words, and refused."""

    def check(value: Any) -> Any:
        if value in later:
            raise ValueError(f"as `{value}` is not yet supported; for now: {', '.join(words)}")
        if value not in words:
            given = str(value)
            raise ValueError(f"takes {', '.join(words)}; not `{shown(given)}`{meant(given, words)}")
        return value

    return BeforeValidator(check)


def host_name(text: str) -> str:
    """A name in lower case; one that begins with a dot stands for all below it."""
    name = text.lower()
    labels = name.removeprefix(".")
    if address_of(labels) is not None or "." not in labels or not is_name(labels):
        raise ValueError("takes names of hosts, as in images.example.com, or .example.com for all below it")
    return name


def _folder(info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("folder", "."))


Listen = Annotated[Address, BeforeValidator(address)]
Url = Annotated[str, AfterValidator(url)]
Proxy = Annotated[str, AfterValidator(proxy)]
HostNames = Annotated[tuple[Annotated[str, AfterValidator(host_name)], ...], BeforeValidator(listed)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(origin)], ...], BeforeValidator(listed)]
Duration = Annotated[float, BeforeValidator(duration)]
Period = Annotated[int, BeforeValidator(period)]
KeepAlive = Annotated[int | str, BeforeValidator(keep_alive)]
Contexts = Annotated[tuple[int, ...], BeforeValidator(contexts)]
TokenRange = Annotated[tuple[int, int], BeforeValidator(token_range)]
SpansOfWeek = Annotated[tuple[tuple[int, int], ...], BeforeValidator(spans_of_week)]
Size = Annotated[int, BeforeValidator(size)]
Daily = Annotated[int, BeforeValidator(daily)]
Drill = Annotated[Trickle, BeforeValidator(drill)]
Objective = Annotated[float, BeforeValidator(objective)]
Share = Annotated[int, BeforeValidator(share)]
Secret = Annotated[str, BeforeValidator(reference)]
Webhook = Annotated[str, BeforeValidator(webhook)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(listed)]
File = Annotated[str, AfterValidator(existing_file)]
Name = Annotated[str, AfterValidator(name)]
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(listed)]
Headers = dict[Annotated[str, AfterValidator(header_name)], Annotated[str, AfterValidator(header_value)]]
Characters = Annotated[int, Strict(), Field(ge=0, le=100_000)]
Number = Annotated[int, Strict(), Field(ge=0, le=2**31)]
Count = Annotated[int, Strict(), Field(gt=0, le=2**31)]
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000)]
Flag = Annotated[bool, Strict()]
