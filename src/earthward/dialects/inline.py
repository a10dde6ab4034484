"""Bytes that stand in a request as base64, alone or in a data URL."""

_TO_STANDARD = str.maketrans("-_", "+/")


def standard_base64(data: str) -> str:
    """In the standard alphabet, with its padding."""
    data = data.translate(_TO_STANDARD) if "-" in data or "_" in data else data
    return data + "=" * (-len(data) % 4)


def inline(url: str) -> tuple[str | None, str] | None:
    """Media type and base64 data of a data URL; None if it is another URL, or not in base64."""
    if url[:5].lower() != "data:":
        return None
    head, comma, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not comma or not parameters or parameters[-1].strip().lower() != "base64":
        return None
    return media_type or None, standard_base64(data)
