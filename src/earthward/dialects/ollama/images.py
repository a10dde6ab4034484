"""Base64 as Ollama wants it: standard, padded, without a data URL's head."""

_URL_SAFE_TO_STANDARD = str.maketrans("-_", "+/")
_BLANKS = str.maketrans("", "", " \t\r\n")

READABLE = frozenset({"image/jpeg", "image/jpg", "image/png", "image/webp"})
"""The kinds of image that Ollama reads."""

_MAGIC = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "UklGR": "image/webp", "R0lGOD": "image/gif"}


def standard_base64(data: str) -> str:
    """Of any base64: Google's SDK writes the URL-safe kind, and some leave the padding out."""
    bare = data.translate(_BLANKS).rstrip("=")
    if "-" in bare or "_" in bare:
        bare = bare.translate(_URL_SAFE_TO_STANDARD)
    return bare + "=" * (-len(bare) % 4)


def without_data_url(data: str) -> str:
    """Some clients send a whole data URL where the bare data belongs."""
    return data.partition(",")[2] if data[:5].lower() == "data:" else data


def media_type(data: str) -> str | None:
    """What the first bytes say; requests of this dialect do not say it."""
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
